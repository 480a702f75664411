"""gunicorn for the private service: loopback only, a few threads, kept-alive connections."""

import os
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from gatehouse.gunicorn import *  # noqa: F403 - settings: gunicorn reads the names of this module
from gatehouse.gunicorn import PlainRefusals

os.umask(0o077)  # files of this service are private to its owner
bind = f"{os.environ.get('AUTH_API_BIND') or '127.0.0.1'}:{os.environ.get('AUTH_API_PORT', '8001')}"
workers = int(os.environ.get("AUTH_API_WORKERS", "2"))
event_streams = int(os.environ.get("GATEHOUSE_EVENT_STREAMS", "4"))  # each keeps a thread busy
threads = int(os.environ.get("AUTH_API_THREADS", "8")) + event_streams
keepalive = 75  # seconds; the BFF keeps its connections
graceful_timeout = int(os.environ.get("GATEHOUSE_GRACE", "5"))  # seconds for requests under way
limit_request_line = 2048
limit_request_fields = 40


class ApiWorker(PlainRefusals, ThreadWorker):  # type: ignore[misc]
    """Threads: Argon2 runs outside the GIL; Redis and SQL are blocking clients."""


worker_class = ApiWorker


def on_starting(server: Any) -> None:
    """Refuse to listen in public, wherever the address comes from: `--bind` is not in our settings."""
    from auth_api.bind_address import HINT, is_private

    if os.environ.get("GATEHOUSE_ENV", "production") != "production":
        return
    for address in server.cfg.address:
        if isinstance(address, tuple) and not is_private(address[0]):
            raise SystemExit(f"auth_api would listen in public, at {address[0]}. {HINT}")


def post_worker_init(worker: Any) -> None:
    """Let streams end when the worker is to stop; it would wait for them."""
    from auth_api.api import events

    events.is_stopping = lambda: not worker.alive
