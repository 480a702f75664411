"""gunicorn for the private service: loopback only, a few threads, kept-alive connections."""

import os

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import ThreadWorker

from auth_api.bind_address import HINT, is_private
from auth_api.threads import threads_of_worker
from gatehouse import metrics_folder, variables
from gatehouse.env import stop_in_one_line
from gatehouse.preflight import require_sound_settings

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


class ApiWorker(PlainRefusals, ThreadWorker):  # type: ignore[misc]
    """Threads: Argon2 runs outside the GIL; Redis and SQL are blocking clients."""


worker_class = ApiWorker


def on_starting(server: Arbiter) -> None:
    """Stop before a worker starts: by weak settings, or by a public address, also of `--bind`."""
    require_sound_settings("auth_api")
    for address in server.cfg.address if ENV.is_production else ():
        if isinstance(address, tuple) and not is_private(address[0]):
            raise SystemExit(f"auth_api must not listen on {address[0]}, a public address. {HINT}")
    metrics_folder.create()


def post_worker_init(worker: Worker) -> None:
    """Let streams end when the worker is to stop; it would wait for them."""
    from auth_api.api import events
    from gatehouse.metrics import forget_dead_workers

    forget_dead_workers()
    events.is_stopping = lambda: not worker.alive
