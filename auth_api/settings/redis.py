"""From REDIS_URL to Django's CACHES: standalone, Sentinel and Cluster by URL alone."""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

CONNECT_TIMEOUT = 0.5  # seconds
ANSWER_TIMEOUT = 1.0  # seconds


def caches(url: str) -> dict[str, Any]:
    """Return the CACHES setting for `url`. Raises ImproperlyConfigured for an unknown form.

    Forms: redis://, rediss://, unix://, redis+sentinel://host:port,host:port/<service>/<db>,
    redis+cluster://host:port,host:port.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("redis", "rediss", "unix"):
        return _cache(url, {})
    if scheme == "redis+sentinel":
        return _sentinel(url)
    if scheme == "redis+cluster":
        factory = "auth_api.sessions.redis.cluster.ClusterConnectionFactory"
        return _cache(url, {"CONNECTION_FACTORY": factory})
    raise ImproperlyConfigured(
        "REDIS_URL: use redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
    )


def fails_over(settings: dict[str, Any]) -> bool:
    """Whether `settings`, made by `caches`, names Sentinels or a cluster."""
    return "CONNECTION_FACTORY" in settings["sessions"]["OPTIONS"]


def _sentinel(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ImproperlyConfigured("REDIS_URL: redis+sentinel:// needs a service name as its path")
    options = {
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "CLIENT_CLASS": "django_redis.client.SentinelClient",
        "SENTINELS": addresses_of(parts.netloc),
        "SENTINEL_KWARGS": {
            "socket_timeout": ANSWER_TIMEOUT,
            "socket_connect_timeout": CONNECT_TIMEOUT,
            # By default, redis-py waits seconds for an unreachable Sentinel before it asks the next.
            "retry": Retry(NoBackoff(), 0),
        },
    }
    return _cache(f"redis://{service}/{database or 0}", options)


def _cache(location: str, options: dict[str, Any]) -> dict[str, Any]:
    options = {
        "SOCKET_TIMEOUT": ANSWER_TIMEOUT,
        "SOCKET_CONNECT_TIMEOUT": CONNECT_TIMEOUT,
        # A dropped connection (a restarted server) is tried once more; a slow answer is not (but
        # by a cluster's client, which asks again where the slot is now).
        "CONNECTION_POOL_KWARGS": {"retry": timeouts()["retry"]},
        **options,
    }
    backend = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location, "OPTIONS": options}
    return {
        "sessions": backend,
        # Nothing of ours caches by Django's own cache; a default must exist.
        "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    }


def timeouts() -> dict[str, Any]:
    """Return the limits of a connection to a cluster's node, as redis-py names them."""
    return {
        "socket_timeout": ANSWER_TIMEOUT,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    }


def addresses_of(netloc: str) -> list[tuple[str, int]]:
    """Return the pairs of host and port in `host:port,host:port`. Raises ImproperlyConfigured."""
    pairs = (address.rpartition(":") for address in netloc.split(","))
    try:
        return [(host, int(port)) for host, _, port in pairs]
    except ValueError:
        raise ImproperlyConfigured("REDIS_URL: write every address as host:port") from None
