"""The settings of frontend_site that all environments share. There is no Redis, and no database without apps."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from frontend_site.settings.access_rules import AccessRule, parse_access_rules
from frontend_site.settings.middleware import OURS
from frontend_site.settings.site_apps import SiteApp, add_apps, parse_site_apps
from frontend_site.settings.upstreams import Upstream, parse_upstreams
from gatehouse import variables
from gatehouse.env import Env
from gatehouse.keys import Key
from gatehouse.logging import configure_logging
from gatehouse.security_headers import hsts

ENV = Env()
BASE_DIR = Path(__file__).resolve().parents[2]
VAR = ENV.read(variables.VAR, default=str(BASE_DIR / "var"))
_APPS = parse_site_apps(ENV.read(variables.APPS))
_FORMER = {
    "GATEHOUSE_FORWARD_AUTH_PATHS": (
        "GATEHOUSE_ACCESS_RULES: /app/=signed-in for /app/, /wiki/=signed-in+click for /wiki/:click."
    ),
    "GATEHOUSE_UPSTREAM_COOKIES": "the option +cookies=NAME of the upstream in GATEHOUSE_UPSTREAMS.",
    "GATEHOUSE_UPSTREAM_CLAIMS": "the option +claims=CLAIM of the upstream in GATEHOUSE_UPSTREAMS.",
}


@dataclass(frozen=True)
class Gatehouse:
    """Our own options. Times in seconds, sizes in bytes."""

    environment: str  # development, production or test
    hsts: str  # the value of Strict-Transport-Security, "" for none
    public_origin: str  # scheme://host[:port] that browsers see
    site_name: str  # as people see it
    auth_api_url: str
    service_keys: tuple[Key, ...] = field(repr=False)  # newest first: the first signs
    csrf_keys: tuple[Key, ...] = field(repr=False)  # newest first: the first signs, all verify
    bind: str  # where gunicorn listens (frontend_site/gunicorn.py)
    proxy_hops: int  # how many proxies may speak for the client
    has_certificate: bool  # gunicorn speaks TLS itself
    access_rules: tuple[AccessRule, ...]  # of apps behind forward auth, and of upstreams
    contact: str  # whom to ask for access, in words
    apps: tuple[SiteApp, ...]  # the team's own, in this site
    registration: str  # "open", "invite" or "closed": what the pages offer; auth_api decides
    deletion_delay: int  # how long auth_api keeps an account that is to be deleted; for texts
    upstreams: tuple[Upstream, ...]
    upstream_body_limit: int
    upstream_silence: int  # the longest wait for the next byte, of either side
    upstream_recheck: int  # a running answer asks so often whether the session lives
    metrics_token: str = field(repr=False)  # that Prometheus shows; "" for no /metrics
    streams: int  # open pages of one worker that wait for events
    websockets: int  # open WebSockets of one worker
    connect_timeout: float = 1.0
    read_timeout: float = 5.0  # of one silence
    call_deadline: float = 8.0  # of a whole call, however the bytes drip
    calls_at_once: int = 64  # per worker; more wait `connect_timeout`, then 503
    hashing_calls_at_once: int = 6  # per worker, of those: else sign-ins could use up all of them
    hashing_calls_waiting: int = 100  # per worker; more get a 503 at once
    hashing_wait: float = 4.0  # the longest wait of such a call before it is sent
    answer_limit: int = 1024 * 1024
    # A long answer (an export) is stored in a file before the browser gets the first byte.
    download_limit: int = 256 * 1024**2
    download_deadline: float = 60.0  # of the whole call
    downloads_at_once: int = 2  # per worker: each keeps a thread of auth_api busy
    body_limit: int = 64 * 1024
    upstream_calls_at_once: int = 200  # per worker and upstream
    streams_of_session: int = 6  # of those; the oldest goes
    streams_of_user: int = 20  # over all sessions of one user; the oldest is closed
    websockets_of_user: int = 50  # of one worker; no further one is opened
    websocket_idle: int = 3600  # without a byte in either direction
    stream_lifetime: int = 600  # at most; then the browser comes back and is checked again
    stream_heartbeat: int = 20

    @cached_property
    def forward_auth_paths(self) -> tuple[str, ...]:
        """The paths of apps behind the proxy that asks /auth/verify."""
        return tuple(rule.path for rule in self.access_rules if not rule.is_upstream)

    @property
    def strict_origin(self) -> bool:
        """Whether only `public_origin` counts as this site (not the Host of the request)."""
        return self.environment == "production"


LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "frontend_site.urls"
LOGIN_URL = "/login"  # for Django's own decorators
WSGI_APPLICATION = "frontend_site.wsgi.application"
FORCE_SCRIPT_NAME = ""  # a SCRIPT_NAME header must not move our paths
APPEND_SLASH = False
DATABASES: dict[str, Any] = {}
DATABASE_ROUTERS = ["frontend_site.site_apps.router.SiteRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 50

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "frontend_site.apps.FrontendSiteConfig",
]
MIDDLEWARE = [*OURS]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "frontend_site"],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "frontend_site.templating.environment",
            "context_processors": ["frontend_site.pages.context_processors.site"],
        },
    }
]
EMAIL_TIMEOUT = 10  # seconds: a view that sends a mail waits for the server
# Django's default keeps messages in a cookie, which nobody has sealed.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static" / "frontend_site"
# Files that users send are private, also in an app's own storage. Static files are readable by everyone, whatever the umask.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
_STATIC = {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755}
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
        "OPTIONS": _STATIC,
    },
}
WHITENOISE_ALLOW_ALL_ORIGINS = False  # its default says Access-Control-Allow-Origin: *
WHITENOISE_MIMETYPES = {".ts": "text/plain"}  # gatehouse.d.ts; its default is a film's
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # not Django's SecurityMiddleware: ours adds the headers to every answer
    "security.W002",  # framing: CSP frame-ancestors and X-Frame-Options come from the same place
    "security.W003",  # not Django's CSRF: ours is signed and bound to the session (docs/explanation/csrf.md)
]


def apply(target: dict[str, Any], *, hosts: str, log_json: bool) -> None:
    """Set what depends on secrets and URLs, once the environment has settled them."""
    target.update(
        SECRET_KEY=ENV.read(variables.FRONTEND_SECRET_KEY),
        ALLOWED_HOSTS=ENV.read(variables.ALLOWED_HOSTS, default=hosts),
        GATEHOUSE=_gatehouse(),
        LOGGING_CONFIG=None,
    )
    if _APPS:
        from frontend_site.settings.site_database import site_databases  # needs drivers

        add_apps(target, _APPS)
        target["DATABASES"] = site_databases(ENV, VAR, _APPS)
    if ENV.read(variables.PROXY_HOPS):  # only then is there a trusted proxy that reports the scheme
        target["SECURE_PROXY_SSL_HEADER"] = ("HTTP_X_FORWARDED_PROTO", "https")
    configure_logging(as_json=log_json, level=ENV.read(variables.LOG_LEVEL))


def _gatehouse() -> Gatehouse:
    port, auth_api_port = ENV.read(variables.FRONTEND_PORT), ENV.read(variables.AUTH_API_PORT)
    origin = ENV.read(variables.PUBLIC_ORIGIN, default=f"http://localhost:{port}")
    upstreams = parse_upstreams(ENV.read(variables.UPSTREAMS))
    _refuse_former_settings()
    return Gatehouse(
        environment=ENV.environment,
        hsts=hsts(ENV.read(variables.HSTS), ENV.read(variables.HSTS_AGE))
        if ENV.is_production
        else "",
        public_origin=origin,
        site_name=ENV.read(variables.SITE_NAME) or urlsplit(origin).hostname or "",
        auth_api_url=ENV.read(variables.AUTH_API_URL, default=f"http://127.0.0.1:{auth_api_port}"),
        service_keys=ENV.read(variables.SERVICE_KEYS),
        csrf_keys=ENV.read(variables.CSRF_KEYS),
        bind=ENV.read(variables.FRONTEND_BIND, default=None if ENV.is_production else "127.0.0.1"),
        proxy_hops=ENV.read(variables.PROXY_HOPS),
        has_certificate=bool(ENV.read(variables.CERTFILE)),
        apps=_APPS,
        access_rules=parse_access_rules(ENV.read(variables.ACCESS_RULES), upstreams),
        contact=ENV.read(variables.CONTACT),
        registration=ENV.read(variables.REGISTRATION),
        deletion_delay=ENV.read(variables.DELETION_DELAY),
        upstreams=upstreams,
        upstream_body_limit=ENV.read(variables.UPSTREAM_BODY_LIMIT),
        upstream_silence=ENV.read(variables.UPSTREAM_SILENCE),
        upstream_recheck=ENV.read(variables.UPSTREAM_RECHECK),
        metrics_token=ENV.read(variables.METRICS_TOKEN),
        streams=ENV.read(variables.STREAMS),
        websockets=ENV.read(variables.WEBSOCKETS),
    )


def _refuse_former_settings() -> None:
    """Stop a start that would silently do less than its operator asked for."""
    for name, instead in _FORMER.items():
        if ENV.values.get(name, "").strip():
            raise ImproperlyConfigured(
                f"{name} is no longer supported. Remove it and set {instead}"
            )
