"""gunicorn for the public site: gevent, since the BFF waits for others most of its time."""

import resource
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from gunicorn.workers.ggevent import GeventWorker

from frontend_site.connections.stopping import WaitingConnectionsEnd
from gatehouse import metrics_folder, variables
from gatehouse.env import stop_in_one_line
from gatehouse.listening import require_free_addresses
from gatehouse.preflight import require_sound_settings
from gatehouse.workers import ReplacedWhenReady

if TYPE_CHECKING:  # gevent patches later, and no name of ssl may be taken before
    from ssl import SSLContext

with stop_in_one_line():
    from gatehouse.gunicorn import *  # noqa: F403 - settings: gunicorn reads the names of this module
    from gatehouse.gunicorn import ENV, PlainRefusals

    from .connections.sockets import LateHandshake
    from .connections.worker import LimitedConnections

    _host = ENV.read(variables.FRONTEND_BIND, default=None if ENV.is_production else "127.0.0.1")
    bind = f"{_host}:{ENV.read(variables.FRONTEND_PORT)}"
    workers = ENV.read(variables.FRONTEND_WORKERS)
    worker_connections = 1000 + ENV.read(variables.STREAMS) + ENV.read(variables.WEBSOCKETS)
    _proxy_hops = ENV.read(variables.PROXY_HOPS)
    certfile = ENV.read(variables.CERTFILE) or None
    keyfile = ENV.read(variables.KEYFILE) or None
    # Longer than a load balancer keeps its connections: it must be the one that closes them.
    keepalive = ENV.read(variables.KEEPALIVE, default="75s" if _proxy_hops else None)  # seconds
limit_request_line = 8190  # long deep links, and `next` for them
limit_request_fields = 60
limit_request_field_size = 8190

# Each connection is a file, and many systems start a process with room for 1024.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = 2 * worker_connections
if _soft != resource.RLIM_INFINITY and _soft < _wanted:
    _room = _wanted if _hard == resource.RLIM_INFINITY else min(_wanted, _hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_room, _hard))


class SiteWorker(
    WaitingConnectionsEnd,
    LimitedConnections,
    PlainRefusals,
    ReplacedWhenReady,
    GeventWorker,  # type: ignore[misc]
):
    """gevent's greenlets."""

    peers_are_clients = not _proxy_hops


worker_class = SiteWorker


def ssl_context(config: Any, make: Callable[[], "SSLContext"]) -> LateHandshake:
    """Let the worker do the handshake, within its limits."""
    return LateHandshake(make())


def on_starting(server: Arbiter) -> None:
    """Stop before a worker starts: by weak settings, or by an address that is taken."""
    require_sound_settings("frontend_site")
    require_free_addresses(server, "Stop the process that uses it, or set FRONTEND_PORT.")
    metrics_folder.create()


def post_worker_init(worker: SiteWorker) -> None:
    """Let streams and idle connections end when the worker is to stop; it would wait for them."""
    from frontend_site.events.hub import stop_streams

    def stop_with_the_worker() -> None:
        while worker.alive:
            gevent.sleep(0.2)
        stop_streams()
        worker.end_waiting_connections()

    gevent.spawn(stop_with_the_worker)


def post_request(worker: Worker, request: object, environ: object, response: object) -> None:
    """Let the others go first: a connection that always has its next request ready would keep them waiting.

    gevent changes greenlets only when one has to wait, and such a one never has.
    """
    gevent.sleep(0)
