"""What auth_api counts, beside its requests (gatehouse/metrics.py)."""

from prometheus_client import Counter, Gauge

LOGINS = Counter("gatehouse_logins", "Sign-ins by outcome", ["outcome"])
THROTTLED = Counter(
    "gatehouse_throttled", "Requests refused, and mails withheld, by the limit they met", ["limit"]
)
# Of all workers; what is above GATEHOUSE_HASHING_SLOTS for each of them waits.
HASHES = Gauge(
    "gatehouse_hashes_in_progress",
    "Passwords that are being hashed or are waiting for it",
    multiprocess_mode="livesum",
)
EVENT_STREAMS = Gauge(
    "gatehouse_event_streams",
    "Event streams that workers of frontend_site have open",
    multiprocess_mode="livesum",
)
