"""What the site counts, beside its requests (gatehouse/metrics.py)."""

from functools import cache

from prometheus_client import Counter, Gauge

DATABASE_503 = Counter(
    "gatehouse_site_database_unavailable",
    "Requests that got a 503 because the database of the apps had no free connection, or did not answer",
)
UNKNOWN = "unknown"  # the outcome of a call without an answer that we agreed on

CALLS = Counter(
    "gatehouse_auth_api_calls",
    "Calls to auth_api, by call and by the status of the answer",
    ["call", "outcome"],
)
STREAMS = Gauge("gatehouse_streams", "Open event streams of pages", multiprocess_mode="livesum")
WEBSOCKETS = Gauge(
    "gatehouse_websockets", "Open WebSockets to upstreams", multiprocess_mode="livesum"
)
_of = cache(CALLS.labels)


def count_call(call: str, outcome: str | int) -> None:
    """Count one call to auth_api; `outcome` is a status or UNKNOWN."""
    _of(call, outcome).inc()
