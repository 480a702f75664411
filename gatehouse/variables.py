"""Every environment variable, once. `.env.example` and docs/reference/configuration.md are written from here."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from .kinds import (
    ADDRESS,
    FILE,
    FOLDER,
    HOSTS,
    KEYS,
    LIST,
    ORIGIN,
    SENDER,
    TEXT,
    URL,
    Kind,
    choice,
    duration,
    number,
    size,
)  # fmt: skip

T = TypeVar("T")
BOTH, AUTH_API, FRONTEND_SITE = "both", "auth_api", "frontend_site"


@dataclass(frozen=True)
class Variable(Generic[T]):
    """One variable; `default` is written as an operator would write it, "" for none."""

    name: str
    reader: str  # BOTH, AUTH_API or FRONTEND_SITE
    kind: Kind[T]
    default: str
    purpose: str
    required: bool = False  # in production, which then has no default
    secret: bool = False  # development makes one


PORT = number(1, 65535)
WORKERS = number(1, 256)
YEAR = "365d"

# fmt: off
ENVIRONMENT = Variable("GATEHOUSE_ENV", BOTH, choice("production", "development", "test"), "production", "development and test use throw-away secrets; `manage.py` and `script/server` default to development")
VAR = Variable("GATEHOUSE_VAR", BOTH, FOLDER, "var", "holds SQLite, static files and the secrets of development; a folder of its own")
LOG_LEVEL = Variable("GATEHOUSE_LOG_LEVEL", BOTH, choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO", "the lowest level that is logged")
GRACE = Variable("GATEHOUSE_GRACE", BOTH, duration("0s", "1h"), "5s", "for requests in progress when a service stops")
PUBLIC_ORIGIN = Variable("GATEHOUSE_PUBLIC_ORIGIN", BOTH, ORIGIN, "", "the site as browsers see it; links in mails start with it", required=True)
SERVICE_KEYS = Variable("GATEHOUSE_SERVICE_KEYS", BOTH, KEYS, "", "sign the service tokens of frontend_site", required=True, secret=True)

FRONTEND_SECRET_KEY = Variable("FRONTEND_SECRET_KEY", FRONTEND_SITE, TEXT, "", "Django's SECRET_KEY of frontend_site", required=True, secret=True)
CSRF_KEYS = Variable("GATEHOUSE_CSRF_KEYS", FRONTEND_SITE, KEYS, "", "sign CSRF tokens", required=True, secret=True)
FRONTEND_PORT = Variable("FRONTEND_PORT", FRONTEND_SITE, PORT, "8000", "where it listens")
FRONTEND_BIND = Variable("FRONTEND_BIND", FRONTEND_SITE, ADDRESS, "0.0.0.0", "where it listens; 127.0.0.1 behind a proxy on this host, and in development")  # noqa: S104 - checked
FRONTEND_WORKERS = Variable("FRONTEND_WORKERS", FRONTEND_SITE, WORKERS, "2", "processes")
CERTFILE = Variable("GATEHOUSE_CERTFILE", FRONTEND_SITE, FILE, "", "a TLS certificate chain (PEM); gunicorn then speaks HTTPS itself")
KEYFILE = Variable("GATEHOUSE_KEYFILE", FRONTEND_SITE, FILE, "", "the private key of GATEHOUSE_CERTFILE (PEM)")
ALLOWED_HOSTS = Variable("ALLOWED_HOSTS", FRONTEND_SITE, HOSTS, "", "the names of this site, with that of GATEHOUSE_PUBLIC_ORIGIN", required=True)
AUTH_API_URL = Variable("AUTH_API_URL", FRONTEND_SITE, URL, "", "where auth_api answers: http://host:port", required=True)
PROXY_HOPS = Variable("GATEHOUSE_PROXY_HOPS", FRONTEND_SITE, number(0, 5), "0", "reverse proxies in front of frontend_site whose X-Forwarded headers count")
FORWARD_AUTH_PATHS = Variable("GATEHOUSE_FORWARD_AUTH_PATHS", FRONTEND_SITE, LIST, "", "/app/,/wiki/:click: paths of apps behind forward auth; with `:click`, links from other sites need a click (docs/how-to/forward-auth.md)")
STREAMS = Variable("GATEHOUSE_STREAMS", FRONTEND_SITE, number(1, 100_000), "1000", "open event streams of one worker (docs/reference/events.md)")
UPSTREAMS = Variable("GATEHOUSE_UPSTREAMS", FRONTEND_SITE, LIST, "", "name=http://host:port/base,...: /api/<name>/ leads there (docs/how-to/upstreams.md)")
UPSTREAM_COOKIES = Variable("GATEHOUSE_UPSTREAM_COOKIES", FRONTEND_SITE, LIST, "", "name:cookie,...: cookies of an upstream that may pass")
UPSTREAM_BODY_LIMIT = Variable("GATEHOUSE_UPSTREAM_BODY_LIMIT", FRONTEND_SITE, size("1KiB", "1024GiB"), "1GiB", "the longest body of a request to an upstream")
UPSTREAM_SILENCE = Variable("GATEHOUSE_UPSTREAM_SILENCE", FRONTEND_SITE, duration("1s", "1d"), "60s", "the longest wait for the next byte from either side")
UPSTREAM_RECHECK = Variable("GATEHOUSE_UPSTREAM_RECHECK", FRONTEND_SITE, duration("1s", "1d"), "60s", "how often a running answer of an upstream checks the session again")

SECRET_KEY = Variable("SECRET_KEY", AUTH_API, TEXT, "", "Django's SECRET_KEY of auth_api; signs the links in mails", required=True, secret=True)
SESSION_KEYS = Variable("GATEHOUSE_SESSION_KEYS", AUTH_API, KEYS, "", "encrypt what sessions store", required=True, secret=True)
IDENTITY_KEYS = Variable("GATEHOUSE_IDENTITY_KEYS", AUTH_API, KEYS, "", "sign identity tokens (docs/how-to/upstreams.md)", required=True, secret=True)
AUTH_API_PORT = Variable("AUTH_API_PORT", AUTH_API, PORT, "8001", "where it listens")
AUTH_API_BIND = Variable("AUTH_API_BIND", AUTH_API, ADDRESS, "127.0.0.1", "where it listens; never a public address")
AUTH_API_HOSTS = Variable("AUTH_API_HOSTS", AUTH_API, HOSTS, "127.0.0.1,localhost", "the Host names that it answers to")
AUTH_API_WORKERS = Variable("AUTH_API_WORKERS", AUTH_API, WORKERS, "2", "processes")
AUTH_API_THREADS = Variable("AUTH_API_THREADS", AUTH_API, number(1, 256), "8", "threads of each process, besides those of event streams")
EVENT_STREAMS = Variable("GATEHOUSE_EVENT_STREAMS", AUTH_API, number(1, 256), "4", "streams of one process to the workers of frontend_site, each with a thread of its own")
REDIS_URL = Variable("REDIS_URL", AUTH_API, TEXT, "", "redis://, rediss://, unix://, redis+sentinel://h:p,h:p/service/0 or redis+cluster://h:p,h:p", required=True)
REDIS_REPLICAS = Variable("GATEHOUSE_REDIS_REPLICAS", AUTH_API, number(0, 16), "0", "replicas that must acknowledge a sign-in or the end of a session; production refuses 0 with Sentinel or Cluster (docs/explanation/sessions.md)")
DATABASE_URL = Variable("DATABASE_URL", AUTH_API, TEXT, "", "postgres://user:password@host/name; SQLite under GATEHOUSE_VAR without it")
EMAIL_URL = Variable("EMAIL_URL", AUTH_API, TEXT, "", "smtp+tls://user:password@host:587, smtps://, file:///folder or console://", required=True)
DEFAULT_FROM_EMAIL = Variable("DEFAULT_FROM_EMAIL", AUTH_API, SENDER, "Gatehouse <noreply@localhost>", "the sender of mails")
SESSION_IDLE = Variable("GATEHOUSE_SESSION_IDLE", AUTH_API, duration("10s", YEAR), "1h", "a session ends after this time without use")
SESSION_ABSOLUTE = Variable("GATEHOUSE_SESSION_ABSOLUTE", AUTH_API, duration("10s", YEAR), "12h", "a session ends after this time")
REMEMBER_IDLE = Variable("GATEHOUSE_REMEMBER_IDLE", AUTH_API, duration("10s", YEAR), "14d", "as GATEHOUSE_SESSION_IDLE, with `Keep me signed in`")
REMEMBER_ABSOLUTE = Variable("GATEHOUSE_REMEMBER_ABSOLUTE", AUTH_API, duration("10s", YEAR), "30d", "as GATEHOUSE_SESSION_ABSOLUTE, with `Keep me signed in`")
SLIDE_INTERVAL = Variable("GATEHOUSE_SLIDE_INTERVAL", AUTH_API, duration("1s", "1d"), "1m", "use is written to Redis this often at most")
SESSION_LIMIT = Variable("GATEHOUSE_SESSION_LIMIT", AUTH_API, number(0, 1_000_000), "100", "sessions of one user; 0 for no limit")
SESSION_LIMIT_POLICY = Variable("GATEHOUSE_SESSION_LIMIT_POLICY", AUTH_API, choice("end-oldest", "refuse"), "end-oldest", "what a sign-in over the limit does")
RECENT_AUTHENTICATION = Variable("GATEHOUSE_RECENT_AUTHENTICATION", AUTH_API, duration("10s", "1d"), "10m", "important changes ask for the password when it was given longer ago")
CARD_LIFETIME = Variable("GATEHOUSE_CARD_LIFETIME", AUTH_API, duration("1s", "1d"), "5m", "Redis keeps what validation knows of a user for this time")
FENCE_LIFETIME = Variable("GATEHOUSE_FENCE_LIFETIME", AUTH_API, duration("1m", "1d"), "1h", "longer than any transaction that changes a user")
RECORD_FORMAT = Variable("GATEHOUSE_RECORD_FORMAT", AUTH_API, number(1, 2), "2", "set 1 while workers of a release that reads only format 1 are running (docs/explanation/sessions.md)")
VERIFICATION_LIFETIME = Variable("GATEHOUSE_VERIFICATION_LIFETIME", AUTH_API, duration("1m", YEAR), "1d", "of a mailed link that confirms an address")
RESET_LIFETIME = Variable("GATEHOUSE_RESET_LIFETIME", AUTH_API, duration("1m", "7d"), "30m", "of a mailed link that sets a password")
DISOWN_LIFETIME = Variable("GATEHOUSE_DISOWN_LIFETIME", AUTH_API, duration("1h", YEAR), "7d", "of the mailed links `this was not me` and `restore my address`")
SECURITY_LOG_KEEP = Variable("GATEHOUSE_SECURITY_LOG_KEEP", AUTH_API, duration("1d", "3650d"), "180d", "prune_security_log deletes older events")
ARGON2_MEMORY_KIB = Variable("GATEHOUSE_ARGON2_MEMORY_KIB", AUTH_API, number(8, 4_194_304), "19456", "memory of one password hash, KiB")
ARGON2_TIME = Variable("GATEHOUSE_ARGON2_TIME", AUTH_API, number(1, 100), "2", "passes of one password hash")
HASHING_SLOTS = Variable("GATEHOUSE_HASHING_SLOTS", AUTH_API, number(1, 256), "4", "password hashes at once in one process")
PWNED_PASSWORDS_URL = Variable("GATEHOUSE_PWNED_PASSWORDS_URL", AUTH_API, URL, "", "a service to ask for breached passwords (https://api.pwnedpasswords.com); off when empty")
# fmt: on

TABLE: tuple[Variable[object], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Variable)
)
DEVELOPMENT_SECRETS = {each.name: each.kind is KEYS for each in TABLE if each.secret}
