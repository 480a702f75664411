"""Metrics that both services have, and the text of all of them for Prometheus.

Every worker of a service answers for all workers, through files in one folder (metrics_folder.py).
Without that folder (a management command, a test) the numbers are of this process.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from .env import metrics_folder

OTHER = "other"  # the route of files, of unknown paths, and of requests that no view saw
# Seconds. A validation takes a few milliseconds, a password hash up to a second or two in a flood.
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Histogram(
    "gatehouse_request_seconds",
    "Time until the response started, by route and status",
    ["route", "status"],
    buckets=_BUCKETS,
)
_BREAKERS = Gauge(
    "gatehouse_breakers_open",
    "Workers whose circuit breaker is open, by server",
    ["server"],
    multiprocess_mode="livesum",
)
_of = cache(REQUESTS.labels)  # few routes and statuses, and labels() looks for each again


def shown_breaker(server: str) -> Callable[[bool], None]:
    """Return what shows whether this worker's circuit breaker in front of `server` ("auth_api", "redis", "database") is open."""
    return lambda is_open: _BREAKERS.labels(server).set(is_open)


def count_request(match: Any, status: int, seconds: float) -> None:
    """Count one answered request. `match` is the request's `resolver_match`, or None without a view.

    A route is counted under the name of its view: a path may contain handles, ids or tokens.
    """
    _of(match.view_name if match else OTHER, status).observe(seconds)


def exposition(*collectors: Collector) -> bytes:
    """Return the metrics of all workers as Prometheus reads them, and what `collectors` find now."""
    if metrics_folder():
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        text = generate_latest(registry)
    else:
        text = generate_latest(REGISTRY)
    asked = CollectorRegistry()
    for collector in collectors:
        asked.register(collector)
    return text + generate_latest(asked)
