"""gunicorn for the private service: loopback only, a few threads, kept-alive connections."""

import os
from contextlib import suppress
from typing import Any

os.umask(0o077)  # files of this service are private to its owner
bind = f"{os.environ.get('AUTH_API_BIND') or '127.0.0.1'}:{os.environ.get('AUTH_API_PORT', '8001')}"
workers = int(os.environ.get("AUTH_API_WORKERS", "2"))
worker_class = "gunicorn_auth_worker.AuthWorker"  # threads: Argon2 runs outside the GIL; Redis and SQL are blocking clients
event_streams = int(os.environ.get("GATEHOUSE_EVENT_STREAMS", "4"))  # each keeps a thread busy
threads = int(os.environ.get("AUTH_API_THREADS", "8")) + event_streams
reuse_port = True  # else kept-alive connections may all land on one worker
keepalive = 75  # seconds; the BFF keeps its connections
timeout = 30
graceful_timeout = int(os.environ.get("GATEHOUSE_GRACE", "5"))  # seconds for requests under way
limit_request_line = 2048
limit_request_fields = 40
accesslog = None
loglevel = "warning"
forwarder_headers = ""  # nobody may set SCRIPT_NAME or PATH_INFO by a header
forwarded_allow_ips = "127.0.0.1"
secure_scheme_headers: dict[str, str] = {}
header_map = "drop"  # names with an underscore are look-alikes
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Refuse to listen in public, wherever the address comes from: `--bind` is not in our settings."""
    from auth_api.bind_address import HINT, is_private

    if os.environ.get("GATEHOUSE_ENV", "production") != "production":
        return
    for address in server.cfg.address:
        if isinstance(address, tuple) and not is_private(address[0]):
            raise SystemExit(f"auth_api would listen in public, at {address[0]}. {HINT}")


def post_worker_init(worker: Any) -> None:
    """Refusals in our words, short answers in one piece; streams end when the worker is to stop, else it would wait for them."""
    from auth_api.api import events
    from gunicorn_answers import send_short_answers_whole
    from gunicorn_refusals import speak_as_we_do

    speak_as_we_do()
    send_short_answers_whole()
    events.is_stopping = lambda: not worker.alive
    _interrupt_nobody()


def _interrupt_nobody() -> None:
    """Do not take the processor when a call wakes us: the BFF, which just sent it, has more to send.

    Else we take turns after each call, and both find their caches emptied (sched(7), SCHED_BATCH).
    """
    if hasattr(os, "SCHED_BATCH"):  # Linux
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
