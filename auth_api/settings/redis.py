"""Converts REDIS_URL to Django's CACHES. Rejects a URL that it cannot use completely.

Forms: redis://, rediss:// (TLS) and unix:// as redis-py reads them; for Sentinel and Cluster
`redis+sentinel://[user:password@]host:port,host:port/<service>[/<database>]` and
`redis+cluster://[user:password@]host:port,host:port`, both also as `rediss+...`.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

CONNECT_TIMEOUT = 0.5  # seconds
ANSWER_TIMEOUT = 1.0  # seconds
_SCHEMES = "redis://, rediss://, unix://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://"
_URL = re.compile(
    r"(?P<tls>redis|rediss)\+(?P<kind>sentinel|cluster)://"
    r"(?:(?P<user>[^:@/?#]*):(?P<password>[^@/?#]*)@)?(?P<hosts>[^@/?#]+)"
    r"(?:/(?P<path>[^?#]*))?(?:\?(?P<query>[^#]*))?"
)
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+):([0-9]{1,5})")
_SERVER_OPTIONS = ("db", "username", "password", "client_name")
_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_SENTINEL_OPTIONS = ("sentinel_user", "sentinel_password")


def caches(url: str) -> dict[str, Any]:
    """Return the CACHES setting for `url`. Raises ImproperlyConfigured, which never shows the URL."""
    if url.partition("://")[0] in ("redis", "rediss", "unix"):
        _check_by_redis(url)
        return _caches(url, {})
    match = _URL.fullmatch(url)
    if match is None:
        raise _refused(f"must be {_SCHEMES}, with user and password percent-encoded")
    nodes = _Nodes.of(match)
    return _sentinel(nodes) if match["kind"] == "sentinel" else _cluster(nodes)


def fails_over(settings: dict[str, Any]) -> bool:
    """Whether `settings`, made by `caches`, names Sentinels or a cluster."""
    return "CONNECTION_FACTORY" in settings["sessions"]["OPTIONS"]


@dataclass(frozen=True)
class _Nodes:
    """What a URL of several nodes says."""

    addresses: list[tuple[str, int]]
    path: str
    user: str
    password: str = field(repr=False)
    is_tls: bool
    options: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, match: "re.Match[str]") -> "_Nodes":
        return cls(
            addresses=_addresses(match["hosts"]),
            path=(match["path"] or "").strip("/"),
            user=unquote(match["user"] or ""),
            password=unquote(match["password"] or ""),
            is_tls=match["tls"] == "rediss",
            options=_options(match),
        )

    @property
    def tls(self) -> dict[str, Any]:
        """The arguments of redis-py for TLS; certificates are verified."""
        given = {name: self.options[name] for name in _TLS_OPTIONS if name in self.options}
        return {"ssl": True, **given} if self.is_tls else {}


def _addresses(hosts: str) -> list[tuple[str, int]]:
    matches = [_ADDRESS.fullmatch(unquote(host).strip()) for host in hosts.split(",")]
    found = [(match[1].strip("[]"), int(match[2])) for match in matches if match]
    if len(found) != len(matches) or any(port > 65535 for _, port in found):
        raise _refused("write every address as host:port, an IPv6 address in brackets")
    return found


def _options(match: "re.Match[str]") -> dict[str, str]:
    allowed = [*_TLS_OPTIONS] if match["tls"] == "rediss" else []
    allowed += _SENTINEL_OPTIONS if match["kind"] == "sentinel" else []
    options = parse_qsl(match["query"] or "", keep_blank_values=True)
    if not {name for name, _ in options} <= set(allowed):
        known = f"the options are {', '.join(allowed)}" if allowed else "it takes no options"
        raise _refused(f"has an unknown option; with this scheme {known}")
    return dict(options)


def _check_by_redis(url: str) -> None:
    """Refuse what redis-py does not read, and options that would end our time limits or verification."""
    allowed = {*_SERVER_OPTIONS, *(_TLS_OPTIONS if url.startswith("rediss:") else ())}
    try:
        given = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
        if not given <= allowed:
            raise _refused(f"has an unknown option; the options are {', '.join(sorted(allowed))}")
        ConnectionPool.from_url(url).make_connection()  # connects only at its first command
        if urlsplit(url).scheme != "unix":
            int(urlsplit(url).path.strip("/") or 0)  # redis-py uses database 0 if this is no number
    except (ValueError, TypeError, RedisError):
        raise _refused(
            "has a part or an option that redis-py does not know; correct or remove it"
        ) from None


def _sentinel(nodes: _Nodes) -> dict[str, Any]:
    service, _, database = nodes.path.partition("/")
    if not re.fullmatch(r"[\w.-]+", service) or not re.fullmatch("[0-9]*", database):
        raise _refused("the path of redis+sentinel:// must be /<service> or /<service>/<database>")
    own = {"username": "sentinel_user", "password": "sentinel_password"}
    options = {
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "CLIENT_CLASS": "django_redis.client.SentinelClient",
        "SENTINELS": nodes.addresses,
        "SENTINEL_KWARGS": {
            "socket_timeout": ANSWER_TIMEOUT,
            "socket_connect_timeout": CONNECT_TIMEOUT,
            # By default, redis-py waits seconds for an unreachable Sentinel before it asks the next.
            "retry": Retry(NoBackoff(), 0),
            **{
                name: nodes.options[option]
                for name, option in own.items()
                if option in nodes.options
            },
            **nodes.tls,
        },
        "USERNAME": nodes.user,
        "PASSWORD": nodes.password,
    }
    return _caches(f"redis://{service}/{database or 0}", options, **nodes.tls)


def _cluster(nodes: _Nodes) -> dict[str, Any]:
    if nodes.path:
        raise _refused("redis+cluster:// takes no path: a cluster has one database")
    credentials = {"username": nodes.user or None, "password": nodes.password or None}
    options = {
        "CONNECTION_FACTORY": "auth_api.sessions.redis.cluster.ClusterConnectionFactory",
        "STARTUP_NODES": nodes.addresses,
        "CLUSTER_KWARGS": {**_timeouts(), **credentials, **nodes.tls},
    }
    return _caches("redis+cluster://", options)


def _caches(location: str, options: dict[str, Any], **connection: Any) -> dict[str, Any]:
    options = {
        "SOCKET_TIMEOUT": ANSWER_TIMEOUT,
        "SOCKET_CONNECT_TIMEOUT": CONNECT_TIMEOUT,
        # A dropped connection (a restarted server) is tried once more; a slow answer is not (but
        # by a cluster's client, which asks again where the slot is now).
        "CONNECTION_POOL_KWARGS": {"retry": _timeouts()["retry"], **connection},
        **options,
    }
    backend = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location, "OPTIONS": options}
    return {
        "sessions": backend,
        # Nothing of ours caches by Django's own cache; a default must exist.
        "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    }


def _timeouts() -> dict[str, Any]:
    return {
        "socket_timeout": ANSWER_TIMEOUT,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    }


def _refused(why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"REDIS_URL: {why}.")
