"""The settings of auth_api that all environments share."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gatehouse import variables
from gatehouse.cookies import ADMIN_CSRF_COOKIE, SESSION_COOKIE
from gatehouse.database_url import keep_sqlite_private
from gatehouse.env import Env
from gatehouse.keys import Key
from gatehouse.logging import configure_logging
from gatehouse.security_headers import hsts

from .database import database_settings
from .email import email_settings, sender_with_name
from .redis import caches

ENV = Env()
BASE_DIR = Path(__file__).resolve().parents[2]
VAR = ENV.read(variables.VAR, default=str(BASE_DIR / "var"))


@dataclass(frozen=True)
class Gatehouse:
    """Our own options. Times in seconds; sources in docs/explanation/sessions.md."""

    session_keys: tuple[Key, ...] = field(repr=False)
    service_keys: tuple[Key, ...] = field(repr=False)
    identity_keys: tuple[Key, ...] = field(repr=False)  # newest first: the first signs
    factor_keys: tuple[Key, ...] = field(repr=False)  # of second factors: never drop one in use
    second_factor: str  # "optional", "staff" or "all": who must have one
    second_factor_groups: frozenset[str]  # their members must have one, too
    second_factor_grace: int  # from the first sign-in under the policy; not in the admin
    environment: str  # development, production or test
    hsts: str  # the value of Strict-Transport-Security, "" for none
    public_origin: str
    site_name: str  # as people see it
    proxy_hops: int  # how many proxies may speak for the client of the admin
    bind: str  # where gunicorn listens (auth_api/gunicorn.py)
    registration: str  # "open", "invite" or "closed"
    deletion_delay: int  # between the request to delete an account and its deletion
    mail_domains: frozenset[str]  # of addresses that people choose; empty: all
    pwned_passwords_url: str  # of a Pwned Passwords range service; empty: not asked
    session_idle: int
    session_absolute: int
    remember_idle: int
    remember_absolute: int
    slide_interval: int
    record_format: int  # 1 while workers of a release that reads only format 1 are running
    redis_replicas: int  # that must acknowledge a new or ended session before the answer
    redis_fsync: bool  # the primary's disk must have it, too
    card_lifetime: int
    fence_lifetime: int  # longer than any transaction that changes a user
    recent_authentication: int
    session_limit: int  # sessions of one user, 0 = no limit
    session_limit_policy: str  # "end-oldest" or "refuse"
    event_streams: int  # of one worker, each to one worker of the BFF (and a thread more here)
    argon2_memory_kib: int
    argon2_time: int
    hashing_slots: int  # password hashes at once in one worker
    database_slots: int  # threads of one worker that may wait for the database at once
    verification_lifetime: int  # of a link that proves an address
    invitation_lifetime: int
    reset_lifetime: int
    disown_lifetime: int  # of the link "this was not me"
    security_log_keep: int  # then prune_security_log deletes an event
    unconfirmed_keep: int


LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "auth_api.urls"
WSGI_APPLICATION = "auth_api.wsgi.application"
FORCE_SCRIPT_NAME = ""  # a SCRIPT_NAME header must not move our paths
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "auth_api.commands.apps.CommandsConfig",
    "auth_api.mail.apps.MailConfig",
    "auth_api.users.apps.UsersConfig",
    "auth_api.security_log.apps.SecurityLogConfig",
    "auth_api.sessions.apps.SessionsConfig",
]
MIDDLEWARE = [
    "auth_api.middleware.request_context.RequestContextMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "auth_api.middleware.service_token.ServiceTokenMiddleware",
    "auth_api.middleware.problems.ProblemMiddleware",
    "auth_api.middleware.session.SessionMiddleware",
    "auth_api.middleware.admin.AdminCsrfViewMiddleware",
    "auth_api.middleware.admin.AdminAuthenticationMiddleware",
    "auth_api.middleware.admin.AdminMessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates" / "auth_api"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["auth_api.users.backends.EmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "auth_api.users.passwords.policy.PasswordPolicy"},
    {"NAME": "auth_api.users.passwords.breaches.BreachedPasswords"},
]
PASSWORD_HASHERS = [
    # Reads Django's Argon2 hashes too. Django's own class must not stand here: it has the same name in
    # hashes, the last one verifies, and then our limit of hashes at once would not hold.
    "auth_api.users.passwords.hashing.Argon2idHasher",
    "auth_api.users.passwords.hashing.ImportedPBKDF2Hasher",
    "auth_api.users.passwords.hashing.ImportedPBKDF2SHA1Hasher",
    "auth_api.users.passwords.hashing.ImportedScryptHasher",
]
SESSION_ENGINE = "auth_api.sessions.store"
SESSION_COOKIE_NAME = SESSION_COOKIE
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_NAME = ADMIN_CSRF_COOKIE
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_SAMESITE = "Strict"
LOGIN_REDIRECT_URL = "/admin/"  # Django's default is a page that nobody has here
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static" / "auth_api"
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755  # STATIC_ROOT: readable by everyone
WHITENOISE_ALLOW_ALL_ORIGINS = False  # its default says Access-Control-Allow-Origin: *
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # RequestContextMiddleware sends the headers; the private port speaks http
    "security.W002",  # and says by CSP and X-Frame-Options that nothing is framed
    "security.W003",  # AdminCsrfViewMiddleware is Django's, acting for /admin/ alone
]


def apply(target: dict[str, Any], *, email_default: str, log_json: bool) -> None:
    """Set what depends on secrets and URLs, once the environment has settled them."""
    redis_url = ENV.read(variables.REDIS_URL, default=f"unix://{VAR}/valkey.sock")
    database_url = ENV.read(
        variables.DATABASE_URL, default=f"sqlite:///{VAR / 'gatehouse.sqlite3'}"
    )
    database = database_settings(
        database_url, pooled=ENV.read(variables.DATABASE_POOLER) == "transaction"
    )
    keep_sqlite_private(database, VAR)
    gatehouse = _gatehouse()
    target.update(
        SECRET_KEY=ENV.read(variables.SECRET_KEY),
        ALLOWED_HOSTS=ENV.read(variables.AUTH_API_HOSTS),
        DATABASES={"default": database},
        CACHES=caches(redis_url),
        GATEHOUSE=gatehouse,
        DEFAULT_FROM_EMAIL=sender_with_name(
            ENV.read(variables.DEFAULT_FROM_EMAIL), gatehouse.site_name
        ),
        **email_settings(ENV.read(variables.EMAIL_URL, default=email_default)),
        LOGGING_CONFIG=None,
    )
    if ENV.read(variables.AUTH_API_PROXY_HOPS):  # only then does a trusted proxy report the scheme
        target["SECURE_PROXY_SSL_HEADER"] = ("HTTP_X_FORWARDED_PROTO", "https")
    configure_logging(as_json=log_json, level=ENV.read(variables.LOG_LEVEL))


def _gatehouse() -> Gatehouse:
    port = ENV.read(variables.FRONTEND_PORT)
    groups = ENV.read(variables.SECOND_FACTOR_GROUPS)
    origin = ENV.read(variables.PUBLIC_ORIGIN, default=f"http://localhost:{port}")
    return Gatehouse(
        session_keys=ENV.read(variables.SESSION_KEYS),
        service_keys=ENV.read(variables.SERVICE_KEYS),
        identity_keys=ENV.read(variables.IDENTITY_KEYS),
        factor_keys=ENV.read(variables.FACTOR_KEYS),
        second_factor=ENV.read(
            variables.SECOND_FACTOR, default=None if ENV.is_production else "optional"
        ),
        second_factor_groups=frozenset(groups),
        second_factor_grace=ENV.read(variables.SECOND_FACTOR_GRACE),
        environment=ENV.environment,
        hsts=hsts(ENV.read(variables.HSTS), ENV.read(variables.HSTS_AGE))
        if ENV.is_production
        else "",
        public_origin=origin,
        site_name=ENV.read(variables.SITE_NAME) or urlsplit(origin).hostname or "",
        proxy_hops=ENV.read(variables.AUTH_API_PROXY_HOPS),
        bind=ENV.read(variables.AUTH_API_BIND),
        registration=ENV.read(variables.REGISTRATION),
        deletion_delay=ENV.read(variables.DELETION_DELAY),
        mail_domains=ENV.read(variables.MAIL_DOMAINS),
        pwned_passwords_url=ENV.read(variables.PWNED_PASSWORDS_URL),
        session_idle=ENV.read(variables.SESSION_IDLE),
        session_absolute=ENV.read(variables.SESSION_ABSOLUTE),
        remember_idle=ENV.read(variables.REMEMBER_IDLE),
        remember_absolute=ENV.read(variables.REMEMBER_ABSOLUTE),
        slide_interval=ENV.read(variables.SLIDE_INTERVAL),
        record_format=ENV.read(variables.RECORD_FORMAT),
        redis_replicas=ENV.read(variables.REDIS_REPLICAS),
        redis_fsync=bool(ENV.read(variables.REDIS_FSYNC)),
        card_lifetime=ENV.read(variables.CARD_LIFETIME),
        fence_lifetime=ENV.read(variables.FENCE_LIFETIME),
        recent_authentication=ENV.read(variables.RECENT_AUTHENTICATION),
        session_limit=ENV.read(variables.SESSION_LIMIT),
        session_limit_policy=ENV.read(variables.SESSION_LIMIT_POLICY),
        event_streams=ENV.read(variables.EVENT_STREAMS),
        argon2_memory_kib=ENV.read(variables.ARGON2_MEMORY_KIB),
        argon2_time=ENV.read(variables.ARGON2_TIME),
        hashing_slots=ENV.read(variables.HASHING_SLOTS),
        database_slots=max(1, ENV.read(variables.AUTH_API_THREADS) // 2),
        verification_lifetime=ENV.read(variables.VERIFICATION_LIFETIME),
        invitation_lifetime=ENV.read(variables.INVITATION_LIFETIME),
        reset_lifetime=ENV.read(variables.RESET_LIFETIME),
        disown_lifetime=ENV.read(variables.DISOWN_LIFETIME),
        security_log_keep=ENV.read(variables.SECURITY_LOG_KEEP),
        unconfirmed_keep=ENV.read(variables.UNCONFIRMED_KEEP),
    )
