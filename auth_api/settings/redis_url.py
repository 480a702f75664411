"""Checks REDIS_URL before anything connects, so that no part of it is silently ignored."""

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from redis import ConnectionPool, RedisError


def checked_redis_url(url: str) -> str:
    """Return `url` if it is valid. Raises ImproperlyConfigured, which never shows the URL."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("redis", "rediss", "unix"):
            ConnectionPool.from_url(url).make_connection()  # connects only at its first command
        if parts.scheme in ("redis", "rediss"):
            int(parts.path.strip("/") or 0)  # redis-py uses database 0 if this is not a number
    except (ValueError, TypeError, RedisError):
        raise ImproperlyConfigured(
            "REDIS_URL: has a part or an option that redis-py does not know; correct or remove it"
        ) from None
    if parts.scheme in ("redis+sentinel", "redis+cluster"):
        is_cluster = parts.scheme == "redis+cluster"
        if "@" in parts.netloc or parts.query or (is_cluster and parts.path.strip("/")):
            raise ImproperlyConfigured(
                "REDIS_URL: redis+sentinel:// and redis+cluster:// take addresses only, and for Sentinel "
                "a service and a database; remove user, password and options"
            )
    return url
