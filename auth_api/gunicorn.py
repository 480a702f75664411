"""gunicorn for the private service: loopback only, a few threads, kept-alive connections."""

import os
from select import select

from gunicorn.arbiter import Arbiter
from gunicorn.sock import BaseSocket
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import ThreadWorker

from auth_api.bind_address import HINT, is_private
from auth_api.threads import threads_of_worker
from gatehouse import metrics_folder, variables
from gatehouse.env import stop_in_one_line
from gatehouse.handover import is_stopping
from gatehouse.listening import Address, addresses, require_free_addresses
from gatehouse.preflight import require_sound_settings
from gatehouse.workers import ReplacedWhenReady

with stop_in_one_line():
    from gatehouse.gunicorn import *  # noqa: F403 - settings: gunicorn reads the names of this module
    from gatehouse.gunicorn import ENV, PlainRefusals

    os.umask(0o077)  # files of this service are private to its owner
    bind = f"{ENV.read(variables.AUTH_API_BIND)}:{ENV.read(variables.AUTH_API_PORT)}"
    workers = ENV.read(variables.AUTH_API_WORKERS)
    threads = threads_of_worker(
        calls=ENV.read(variables.AUTH_API_THREADS),
        streams=ENV.read(variables.EVENT_STREAMS),
        hashing_slots=ENV.read(variables.HASHING_SLOTS),
    )
keepalive = 75  # seconds; frontend_site keeps its connections
limit_request_line = 2048
limit_request_fields = 40


class ApiWorker(PlainRefusals, ReplacedWhenReady, ThreadWorker):  # type: ignore[misc]
    """Threads: Argon2 runs outside the GIL; Redis and SQL are blocking clients."""

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take new connections or not. A worker that stops closes its listeners: nobody is to wait for it."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                self._close(listener)

    def _close(self, listener: BaseSocket) -> None:
        """When the service stops, take those that wait first: nobody else would."""
        while is_stopping() and select([listener], [], [], 0)[0]:
            self.accept(listener)
        listener.close()


worker_class = ApiWorker


def on_starting(server: Arbiter) -> None:
    """Stop before a worker starts: by weak settings, by a public address, or by one that is taken."""
    require_sound_settings("auth_api")
    if ENV.is_production:
        _require_private(addresses(server))
    require_free_addresses(server, "Stop the process that uses it, or set AUTH_API_PORT.")
    metrics_folder.create()


def _require_private(listened: list[Address]) -> None:
    """Also those of `--bind`, and of sockets that systemd passes."""
    for address in listened:
        if isinstance(address, tuple) and not is_private(address[0]):
            raise SystemExit(f"auth_api must not listen on {address[0]}, a public address. {HINT}")


def post_worker_init(worker: Worker) -> None:
    """Let streams end when the worker is to stop; it would wait for them."""
    from auth_api.api import events

    events.is_stopping = lambda: not worker.alive
