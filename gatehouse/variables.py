"""Declares every environment variable; script/variables writes .env.example and docs/reference/configuration.md from it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from .kinds import (
    ADDRESS,
    DISPLAY_NAME,
    DOMAINS,
    FILE,
    FOLDER,
    GROUPS,
    HOSTS,
    KEYS,
    LINE,
    LIST,
    MODULE,
    ORIGIN,
    SENDER,
    SUFFIX,
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
    """One environment variable; `default` is the text that an operator would write, "" for none."""

    name: str
    reader: str  # BOTH, AUTH_API or FRONTEND_SITE
    kind: Kind[T]
    default: str
    purpose: str
    required: bool = False  # in production, which then has no default
    secret: bool = False  # development creates one


PORT = number(1, 65535)
WORKERS = number(1, 256)
YEAR = "365d"

# fmt: off
ENVIRONMENT = Variable("GATEHOUSE_ENV", BOTH, choice("production", "development", "test"), "production", "the environment; development and test use throw-away secrets, and `manage.py` and `script/server` default to development")
VAR = Variable("GATEHOUSE_VAR", BOTH, FOLDER, "var", "the folder for SQLite, static files and development secrets; nothing else may use it")
LOG_LEVEL = Variable("GATEHOUSE_LOG_LEVEL", BOTH, choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO", "the lowest level that is logged")
GRACE = Variable("GATEHOUSE_GRACE", BOTH, duration("0s", "1h"), "5s", "how long a stopping service waits for requests in progress")
LAME_DUCK = Variable("GATEHOUSE_LAME_DUCK", BOTH, duration("0s", "1h"), "0s", "how long a service keeps serving after SIGTERM while its /readyz answers 503, so that a load balancer takes it out of rotation first (docs/how-to/operations.md)")
PUBLIC_ORIGIN = Variable("GATEHOUSE_PUBLIC_ORIGIN", BOTH, ORIGIN, "", "the origin of the site in browsers; links in mails start with it", required=True)
SITE_NAME = Variable("SITE_NAME", BOTH, DISPLAY_NAME, "", "the name of the site in pages, mails and authenticator apps; defaults to the host of GATEHOUSE_PUBLIC_ORIGIN")
HSTS = Variable("GATEHOUSE_HSTS", BOTH, choice("off", "host", "subdomains", "preload"), "subdomains", "what Strict-Transport-Security covers: nothing, this host, its subdomains too, or also the preload lists of browsers, which are hard to leave (docs/how-to/operations.md)")
HSTS_AGE = Variable("GATEHOUSE_HSTS_AGE", BOTH, duration("0s", "3650d"), "730d", "how long browsers keep GATEHOUSE_HSTS; start with 5m, and use 365d or more for preload")
COOKIE_SUFFIX = Variable("GATEHOUSE_COOKIE_SUFFIX", BOTH, SUFFIX, "", "the suffix of all cookie names, such as b for __Host-session-b; browsers send cookies to every port of a host name, so two instances on one host name need different ones (docs/how-to/operations.md)")
DELETION_DELAY = Variable("GATEHOUSE_DELETION_DELAY", BOTH, duration("0s", "90d"), "7d", "how long a user can keep an account after asking to delete it; 0 deletes it at once (docs/explanation/accounts.md)")
REGISTRATION = Variable("GATEHOUSE_REGISTRATION", BOTH, choice("open", "invite", "closed"), "open", "who may create an account: anyone (open), people with an invitation (invite), or only administrators (closed) (docs/explanation/accounts.md)")
SERVICE_KEYS = Variable("GATEHOUSE_SERVICE_KEYS", BOTH, KEYS, "", "the keys that sign and verify the service tokens of frontend_site", required=True, secret=True)

FRONTEND_SECRET_KEY = Variable("FRONTEND_SECRET_KEY", FRONTEND_SITE, TEXT, "", "Django's SECRET_KEY for frontend_site", required=True, secret=True)
CSRF_KEYS = Variable("GATEHOUSE_CSRF_KEYS", FRONTEND_SITE, KEYS, "", "the keys that sign and verify CSRF tokens", required=True, secret=True)
FRONTEND_PORT = Variable("FRONTEND_PORT", FRONTEND_SITE, PORT, "8000", "the port that frontend_site listens on")
FRONTEND_BIND = Variable("FRONTEND_BIND", FRONTEND_SITE, ADDRESS, "0.0.0.0", "the address that frontend_site listens on; use 127.0.0.1 behind a proxy on the same host (the default in development)")  # noqa: S104 - checked
FRONTEND_WORKERS = Variable("FRONTEND_WORKERS", FRONTEND_SITE, WORKERS, "2", "the number of worker processes of frontend_site")
KEEPALIVE = Variable("GATEHOUSE_KEEPALIVE", FRONTEND_SITE, duration("1s", "1h"), "10s", "how long frontend_site keeps an idle connection open; must be longer than the idle timeout of the load balancer in front of it, which otherwise answers 502 now and then; 75s by default with GATEHOUSE_PROXY_HOPS (docs/how-to/operations.md)")
CERTFILE = Variable("GATEHOUSE_CERTFILE", FRONTEND_SITE, FILE, "", "the TLS certificate chain (PEM), if gunicorn serves HTTPS itself")
KEYFILE = Variable("GATEHOUSE_KEYFILE", FRONTEND_SITE, FILE, "", "the private key of GATEHOUSE_CERTFILE (PEM)")
ALLOWED_HOSTS = Variable("ALLOWED_HOSTS", FRONTEND_SITE, HOSTS, "", "the host names of this site; must include the host of GATEHOUSE_PUBLIC_ORIGIN", required=True)
AUTH_API_URL = Variable("AUTH_API_URL", FRONTEND_SITE, URL, "", "the base URL of auth_api, such as http://127.0.0.1:8001", required=True)
PROXY_HOPS = Variable("GATEHOUSE_PROXY_HOPS", FRONTEND_SITE, number(0, 5), "0", "the number of reverse proxies in front of frontend_site whose X-Forwarded headers are trusted")
ACCESS_RULES = Variable("GATEHOUSE_ACCESS_RULES", FRONTEND_SITE, LIST, "", "who may open the apps behind forward auth and the upstreams, such as /app/=signed-in,/jupyter/=group:ops,/api/reports/=group:dev|group:ops; a path without a rule is refused (docs/how-to/access.md)")
CONTACT = Variable("GATEHOUSE_CONTACT", FRONTEND_SITE, LINE, "an administrator of this site", "whom to ask for access, as shown on the page that refuses it; a name or an address")
STREAMS = Variable("GATEHOUSE_STREAMS", FRONTEND_SITE, number(1, 100_000), "1000", "the maximum number of open event streams per worker (docs/reference/events.md)")
METRICS_TOKEN = Variable("GATEHOUSE_METRICS_TOKEN", FRONTEND_SITE, TEXT, "", "the token with which Prometheus reads /metrics of frontend_site, at least 32 characters; without it, /metrics answers 404 (docs/reference/metrics.md)")
UPSTREAMS = Variable("GATEHOUSE_UPSTREAMS", FRONTEND_SITE, LIST, "", "the services behind /api/<name>/, as name=http://host:port/base, followed by options such as +host=public (docs/how-to/upstreams.md)")
UPSTREAM_BODY_LIMIT = Variable("GATEHOUSE_UPSTREAM_BODY_LIMIT", FRONTEND_SITE, size("1KiB", "1024GiB"), "1GiB", "the maximum size of a request body to an upstream")
UPSTREAM_SILENCE = Variable("GATEHOUSE_UPSTREAM_SILENCE", FRONTEND_SITE, duration("1s", "1d"), "60s", "how long to wait for the next byte from a client or an upstream")
UPSTREAM_RECHECK = Variable("GATEHOUSE_UPSTREAM_RECHECK", FRONTEND_SITE, duration("1s", "1d"), "60s", "how often a transfer from or to an upstream checks the session again")
WEBSOCKETS = Variable("GATEHOUSE_WEBSOCKETS", FRONTEND_SITE, number(1, 100_000), "1000", "the maximum number of open WebSockets to upstreams per worker (docs/how-to/upstreams.md)")
APPS = Variable("GATEHOUSE_APPS", FRONTEND_SITE, LIST, "", "the Django apps of this site, such as notes or shop.orders=/orders/: each optionally with the path at which it is mounted, or `none` (docs/how-to/adopting.md)")
SITE_SETTINGS = Variable("GATEHOUSE_SITE_SETTINGS", FRONTEND_SITE, MODULE, "frontend_site.settings", "the settings module of the site; one of your own begins with `from frontend_site.settings import *` (docs/how-to/adopting.md)")
SITE_DATABASE_URL = Variable("SITE_DATABASE_URL", FRONTEND_SITE, TEXT, "", "the database of the apps in GATEHOUSE_APPS, such as postgres://user:password@host/name, never that of auth_api; required in production if an app has models; in development, the default is SQLite in GATEHOUSE_VAR")
SITE_DATABASE_CONNECTIONS = Variable("SITE_DATABASE_CONNECTIONS", FRONTEND_SITE, number(1, 1000), "10", "the maximum number of connections of one worker to PostgreSQL; further requests wait for one, then get a 503")

SECRET_KEY = Variable("SECRET_KEY", AUTH_API, TEXT, "", "Django's SECRET_KEY for auth_api; signs the links in mails", required=True, secret=True)
SESSION_KEYS = Variable("GATEHOUSE_SESSION_KEYS", AUTH_API, KEYS, "", "the keys that encrypt session data in Redis", required=True, secret=True)
IDENTITY_KEYS = Variable("GATEHOUSE_IDENTITY_KEYS", AUTH_API, KEYS, "", "the keys that sign identity tokens (docs/how-to/upstreams.md)", required=True, secret=True)
FACTOR_KEYS = Variable("GATEHOUSE_FACTOR_KEYS", AUTH_API, KEYS, "", "the keys that seal the secrets of authenticator apps and hash recovery codes; unlike with other keys, removing one locks out the users who enrolled under it (docs/explanation/second-factor.md)", required=True, secret=True)
SECOND_FACTOR = Variable("GATEHOUSE_SECOND_FACTOR", AUTH_API, choice("optional", "staff", "all"), "staff", "who must have a second factor: staff (`staff`), everybody (`all`), or only members of GATEHOUSE_SECOND_FACTOR_GROUPS (`optional`, the default in development); others may set one up (docs/explanation/second-factor.md)")
SECOND_FACTOR_GROUPS = Variable("GATEHOUSE_SECOND_FACTOR_GROUPS", AUTH_API, GROUPS, "", "the groups whose members must have a second factor, whatever GATEHOUSE_SECOND_FACTOR says, such as editors,ops")
SECOND_FACTOR_GRACE = Variable("GATEHOUSE_SECOND_FACTOR_GRACE", AUTH_API, duration("0s", YEAR), "0s", "how long a user who must have a second factor can sign in to the site without one, such as 7d; it counts from the first sign-in under the policy, and the admin grants none")
AUTH_API_PORT = Variable("AUTH_API_PORT", AUTH_API, PORT, "8001", "the port that auth_api listens on")
AUTH_API_BIND = Variable("AUTH_API_BIND", AUTH_API, ADDRESS, "127.0.0.1", "the address that auth_api listens on; must not be public")
AUTH_API_HOSTS = Variable("AUTH_API_HOSTS", AUTH_API, HOSTS, "127.0.0.1,localhost", "the Host names that auth_api accepts; must include the host of AUTH_API_URL")
AUTH_API_PROXY_HOPS = Variable("AUTH_API_PROXY_HOPS", AUTH_API, number(0, 5), "0", "the number of TLS proxies in front of the admin whose X-Forwarded-For and X-Forwarded-Proto are trusted; 0 to reach it by an SSH tunnel (docs/how-to/operations.md)")
AUTH_API_WORKERS = Variable("AUTH_API_WORKERS", AUTH_API, WORKERS, "2", "the number of worker processes of auth_api")
AUTH_API_THREADS = Variable("AUTH_API_THREADS", AUTH_API, number(1, 256), "8", "the number of threads per worker, not counting those for event streams and password hashing")
EVENT_STREAMS = Variable("GATEHOUSE_EVENT_STREAMS", AUTH_API, number(1, 256), "4", "the maximum number of event streams per worker of auth_api; each uses a thread and serves one worker of frontend_site")
REDIS_URL = Variable("REDIS_URL", AUTH_API, TEXT, "", "the Redis server: redis://, rediss://, unix://, redis+sentinel://h:p,h:p/service/0 or redis+cluster://h:p,h:p", required=True)
REDIS_REPLICAS = Variable("GATEHOUSE_REDIS_REPLICAS", AUTH_API, number(0, 16), "0", "the number of replicas that must acknowledge a sign-in or the end of a session; production refuses 0 with Sentinel or Cluster (docs/explanation/sessions.md)")
REDIS_FSYNC = Variable("GATEHOUSE_REDIS_FSYNC", AUTH_API, number(0, 1), "0", "1 to answer a sign-in or the end of a session only when the primary has it on disk; needs appendonly and WAITAOF (Valkey, or Redis 7.2 or later) (docs/explanation/sessions.md)")
DATABASE_URL = Variable("DATABASE_URL", AUTH_API, TEXT, "", "the database, such as postgres://user:password@host/name; defaults to SQLite in GATEHOUSE_VAR")
DATABASE_POOLER = Variable("DATABASE_POOLER", AUTH_API, choice("none", "transaction"), "none", "set to `transaction` behind PgBouncer in transaction mode (docs/how-to/operations.md)")
EMAIL_URL = Variable("EMAIL_URL", AUTH_API, TEXT, "", "the mail server: smtp+tls://user:password@host:587, smtps://, file:///folder or console://", required=True)
DEFAULT_FROM_EMAIL = Variable("DEFAULT_FROM_EMAIL", AUTH_API, SENDER, "noreply@localhost", "the sender address of mails; without a name, SITE_NAME is the sender's name")
MAIL_DOMAINS = Variable("GATEHOUSE_MAIL_DOMAINS", AUTH_API, DOMAINS, "", "the domains of the e-mail addresses with which people may register and to which they may change; empty allows all")
SESSION_IDLE = Variable("GATEHOUSE_SESSION_IDLE", AUTH_API, duration("10s", YEAR), "1h", "the idle timeout: a session ends if it is not used for this long")
SESSION_ABSOLUTE = Variable("GATEHOUSE_SESSION_ABSOLUTE", AUTH_API, duration("10s", YEAR), "12h", "the absolute timeout: a session ends this long after the last authentication")
REMEMBER_IDLE = Variable("GATEHOUSE_REMEMBER_IDLE", AUTH_API, duration("10s", YEAR), "14d", "the idle timeout with `Keep me signed in`")
REMEMBER_ABSOLUTE = Variable("GATEHOUSE_REMEMBER_ABSOLUTE", AUTH_API, duration("10s", YEAR), "30d", "the absolute timeout with `Keep me signed in`")
SLIDE_INTERVAL = Variable("GATEHOUSE_SLIDE_INTERVAL", AUTH_API, duration("1s", "1d"), "1m", "the minimum interval between two updates of a session's idle clock in Redis")
SESSION_LIMIT = Variable("GATEHOUSE_SESSION_LIMIT", AUTH_API, number(0, 1_000_000), "100", "the maximum number of sessions per user; 0 means no limit")
SESSION_LIMIT_POLICY = Variable("GATEHOUSE_SESSION_LIMIT_POLICY", AUTH_API, choice("end-oldest", "refuse"), "end-oldest", "what happens to a sign-in over GATEHOUSE_SESSION_LIMIT: `end-oldest` ends the session that would expire first, `refuse` rejects the sign-in")
RECENT_AUTHENTICATION = Variable("GATEHOUSE_RECENT_AUTHENTICATION", AUTH_API, duration("10s", "1d"), "10m", "how long after a password check important changes do not ask for the password again")
CARD_LIFETIME = Variable("GATEHOUSE_CARD_LIFETIME", AUTH_API, duration("1s", "1d"), "5m", "how long Redis caches the snapshot of a user that validation reads")
FENCE_LIFETIME = Variable("GATEHOUSE_FENCE_LIFETIME", AUTH_API, duration("1m", "1d"), "1h", "how long a fence lasts while a user is changed; must be longer than any such transaction")
RECORD_FORMAT = Variable("GATEHOUSE_RECORD_FORMAT", AUTH_API, number(1, 2), "2", "the format of session records; set 1 while workers of a release that reads only format 1 are running (docs/explanation/sessions.md)")
VERIFICATION_LIFETIME = Variable("GATEHOUSE_VERIFICATION_LIFETIME", AUTH_API, duration("1m", YEAR), "1d", "the lifetime of e-mailed links that confirm an address")
INVITATION_LIFETIME = Variable("GATEHOUSE_INVITATION_LIFETIME", AUTH_API, duration("1h", YEAR), "7d", "the lifetime of e-mailed invitations")
RESET_LIFETIME = Variable("GATEHOUSE_RESET_LIFETIME", AUTH_API, duration("1m", "7d"), "30m", "the lifetime of e-mailed links that set a password")
DISOWN_LIFETIME = Variable("GATEHOUSE_DISOWN_LIFETIME", AUTH_API, duration("1h", YEAR), "7d", "the lifetime of the e-mailed links `This was not me` and `Restore my address`")
SECURITY_LOG_KEEP = Variable("GATEHOUSE_SECURITY_LOG_KEEP", AUTH_API, duration("1d", "3650d"), "180d", "the age after which prune_security_log deletes events")
UNCONFIRMED_KEEP = Variable("GATEHOUSE_UNCONFIRMED_KEEP", AUTH_API, duration("1d", "3650d"), "30d", "the age after which prune deletes accounts whose address was not confirmed")
ARGON2_MEMORY_KIB = Variable("GATEHOUSE_ARGON2_MEMORY_KIB", AUTH_API, number(8, 4_194_304), "19456", "the memory of one password hash, in KiB")
ARGON2_TIME = Variable("GATEHOUSE_ARGON2_TIME", AUTH_API, number(1, 100), "2", "the number of passes of one password hash")
HASHING_SLOTS = Variable("GATEHOUSE_HASHING_SLOTS", AUTH_API, number(1, 256), "4", "the maximum number of concurrent password hashes per process")
PWNED_PASSWORDS_URL = Variable("GATEHOUSE_PWNED_PASSWORDS_URL", AUTH_API, URL, "", "the service that lists breached passwords, such as https://api.pwnedpasswords.com; empty turns the check off")
# fmt: on

TABLE: tuple[Variable[object], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Variable)
)
DEVELOPMENT_SECRETS = {each.name: each.kind is KEYS for each in TABLE if each.secret}
