"""Every setting of auth_api that the environments share."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from auth_api.logging import configure_logging
from auth_api.sessions.redis.topology import caches

from .database import database_settings, keep_sqlite_private
from .email import email_settings
from .env import Env, Key
from .redis_url import checked_redis_url

ENV = Env()
BASE_DIR = Path(__file__).resolve().parents[2]
VAR = ENV.path("GATEHOUSE_VAR", BASE_DIR / "var")


@dataclass(frozen=True)
class Gatehouse:
    """Our own options. Times in seconds; sources in docs/sessions.md."""

    session_keys: tuple[Key, ...] = field(repr=False)
    service_keys: tuple[Key, ...] = field(repr=False)
    identity_keys: tuple[Key, ...] = field(repr=False)  # newest first: the first signs
    environment: str  # development, production or test
    public_origin: str
    bind: str = "127.0.0.1"  # where gunicorn listens (auth_api/gunicorn.py)
    pwned_passwords_url: str = ""  # of a Pwned Passwords range service; empty: not asked
    session_idle: int = 3600
    session_absolute: int = 12 * 3600
    remember_idle: int = 14 * 86400
    remember_absolute: int = 30 * 86400
    slide_interval: int = 60
    record_format: int = 2  # 1 while workers of a release that reads only format 1 are running
    redis_replicas: int = 0  # that must acknowledge a new or ended session before the answer
    card_lifetime: int = 300
    fence_lifetime: int = 3600  # longer than any transaction that changes a user
    recent_authentication: int = 600
    session_limit: int = 100  # sessions of one user, 0 = no limit
    session_limit_policy: str = "end-oldest"  # or "refuse"
    event_streams: int = 4  # of one worker, each to one worker of the BFF (and a thread more here)
    argon2_memory_kib: int = 19456
    argon2_time: int = 2
    hashing_slots: int = 4  # password hashes at once in one worker
    verification_lifetime: int = 86400  # of a link that proves an address
    reset_lifetime: int = 1800
    disown_lifetime: int = 7 * 86400  # of the link "this was not me"
    security_log_keep: int = 180 * 86400  # then prune_security_log deletes an event


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
    "auth_api.sessions.middleware.SessionMiddleware",
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
SESSION_COOKIE_NAME = "__Host-session"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_NAME = "__Host-admin-csrf"
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
    email_url = ENV.text("EMAIL_URL", email_default) or ENV.required("EMAIL_URL")
    redis_url = ENV.text("REDIS_URL", f"unix://{VAR}/valkey.sock")
    database_url = ENV.text("DATABASE_URL", f"sqlite:///{VAR / 'gatehouse.sqlite3'}")
    database = database_settings(database_url)
    keep_sqlite_private(database, VAR)
    target.update(
        SECRET_KEY=ENV.required("SECRET_KEY"),
        ALLOWED_HOSTS=ENV.list("AUTH_API_HOSTS", "127.0.0.1,localhost"),
        DATABASES={"default": database},
        CACHES=caches(checked_redis_url(redis_url)),
        GATEHOUSE=_gatehouse(),
        DEFAULT_FROM_EMAIL=ENV.text("DEFAULT_FROM_EMAIL", "Gatehouse <noreply@localhost>"),
        **email_settings(email_url),
        LOGGING_CONFIG=None,
    )
    configure_logging(as_json=log_json, level=ENV.text("GATEHOUSE_LOG_LEVEL", "INFO"))


def _gatehouse() -> Gatehouse:
    numbers = {
        name: ENV.number(f"GATEHOUSE_{name.upper()}", getattr(Gatehouse, name))
        for name, kind in Gatehouse.__annotations__.items()
        if kind is int
    }
    return Gatehouse(
        session_keys=ENV.keys("GATEHOUSE_SESSION_KEYS"),
        service_keys=ENV.keys("GATEHOUSE_SERVICE_KEYS"),
        identity_keys=ENV.keys("GATEHOUSE_IDENTITY_KEYS"),
        environment=ENV.environment,
        public_origin=ENV.text("GATEHOUSE_PUBLIC_ORIGIN", "http://localhost:8000").rstrip("/"),
        bind=ENV.text("AUTH_API_BIND", "127.0.0.1"),
        pwned_passwords_url=_pwned_passwords_url(),
        session_limit_policy=ENV.text("GATEHOUSE_SESSION_LIMIT_POLICY", "end-oldest"),
        **numbers,
    )


def _pwned_passwords_url() -> str:
    """Return the checked URL. With an unusable one, every password would pass, noted only in the log."""
    url = ENV.text("GATEHOUSE_PWNED_PASSWORDS_URL", "").rstrip("/")
    if url and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
        raise ImproperlyConfigured(
            "GATEHOUSE_PWNED_PASSWORDS_URL: must be an http:// or https:// URL without user or query"
        )
    return url
