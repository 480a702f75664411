"""What the site counts, beside its requests (gatehouse/metrics.py)."""

from functools import cache

from prometheus_client import Gauge, Histogram

UNKNOWN = "unknown"  # the outcome of a call without an answer that we agreed on

CALLS = Histogram(
    "gatehouse_auth_api_call_seconds",
    "Calls to auth_api, by call and by the status of the answer",
    ["call", "outcome"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
STREAMS = Gauge("gatehouse_streams", "Open pages that wait for events", multiprocess_mode="livesum")
_of = cache(CALLS.labels)


def count_call(call: str, outcome: str | int, seconds: float) -> None:
    """Count one call to auth_api; `outcome` is a status or UNKNOWN."""
    _of(call, outcome).observe(seconds)
