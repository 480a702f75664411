"""gunicorn for the public site: gevent, since the BFF waits for others most of its time."""

import os
import resource
from typing import Any

_production = os.environ.get("GATEHOUSE_ENV", "production") == "production"
_host = os.environ.get("FRONTEND_BIND", "0.0.0.0" if _production else "127.0.0.1")  # noqa: S104
bind = f"{_host}:{os.environ.get('FRONTEND_PORT', '8000')}"
workers = int(os.environ.get("FRONTEND_WORKERS", "2"))
worker_class = "gevent"
event_streams = int(os.environ.get("GATEHOUSE_STREAMS", "1000"))
worker_connections = 1000 + event_streams
reuse_port = True  # else kept-alive connections may all land on one worker
keepalive = 15  # seconds
timeout = 30
graceful_timeout = int(os.environ.get("GATEHOUSE_GRACE", "5"))  # seconds for requests under way
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
accesslog = None
loglevel = "warning"
forwarder_headers = ""  # nobody may set SCRIPT_NAME or PATH_INFO by a header
forwarded_allow_ips = "127.0.0.1"
secure_scheme_headers: dict[str, str] = {}
header_map = "drop"  # names with an underscore are look-alikes
control_socket_disable = True
if os.environ.get("GATEHOUSE_CERTFILE"):  # script/server --https
    certfile = os.environ["GATEHOUSE_CERTFILE"]
    keyfile = os.environ["GATEHOUSE_KEYFILE"]

# Each connection is a file, and many systems start a process with room for 1024.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = 2 * worker_connections
if _soft != resource.RLIM_INFINITY and _soft < _wanted:
    _room = _wanted if _hard == resource.RLIM_INFINITY else min(_wanted, _hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_room, _hard))


def post_worker_init(worker: Any) -> None:
    """Refusals in our words, short answers in one piece; streams end when the worker is to stop, else it would wait for them."""
    import gevent

    from frontend_site.events.hub import stop_streams
    from gunicorn_answers import send_short_answers_whole
    from gunicorn_refusals import speak_as_we_do
    from gunicorn_web_request import read_plain_gets_by_table

    speak_as_we_do()
    read_plain_gets_by_table(worker.cfg)
    send_short_answers_whole()

    def stop_with_the_worker() -> None:
        while worker.alive:
            gevent.sleep(0.2)
        stop_streams()

    gevent.spawn(stop_with_the_worker)


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """Let the others go first: a connection that always has its next request ready would keep them waiting.

    gevent changes greenlets only when one has to wait, and such a one never has.
    """
    import gevent

    gevent.sleep(0)
