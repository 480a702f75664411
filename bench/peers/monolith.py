"""A Django monolith with contrib.auth and contrib.sessions, rendering the same account page.

One file: settings, view and WSGI application. GATEHOUSE_BENCH_ENGINE is the session engine (cache or
cached_db) on django-redis; no sliding. The page is the same, by templates as Django's tutorial writes them.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ

settings.configure(
    SECRET_KEY="bench" * 10,
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": ENVIRONMENT["GATEHOUSE_BENCH_DATABASE"],
            "CONN_MAX_AGE": 60,
        }
    },
    CACHES={
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": ENVIRONMENT["REDIS_URL"],
        }
    },
    SESSION_ENGINE=f"django.contrib.sessions.backends.{ENVIRONMENT['GATEHOUSE_BENCH_ENGINE']}",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [ROOT / "bench" / "peers" / "templates"],
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                ],
                "builtins": ["django.templatetags.static"],
            },
        }
    ],
    STATIC_URL="/static/",
    USE_TZ=True,
    TIME_ZONE="UTC",
    LOGIN_URL="/login",
    LOGIN_REDIRECT_URL="/account",
    PASSWORD_HASHERS=[f"{__name__}.Argon2idHasher"],
)
django.setup()

from django.contrib.auth.decorators import login_required  # noqa: E402 - needs the settings above
from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402


@login_required
def account(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    now = timezone.now()
    profile = {
        "display_name": user.first_name,
        "name": user.first_name,
        "email": user.email,
        "email_verified": True,
        "is_staff": user.is_staff,
        "joined": user.date_joined,
        "signed_in": user.last_login or now,
        "signed_in_ago": "a moment ago",
        "methods": ["password"],
        "idle_end": now + timedelta(hours=1),
        "idle_left": "in 1 hour",
        "absolute_end": now + timedelta(hours=12),
        "absolute_left": "in 12 hours",
        "remember": False,
    }
    context = {"profile": profile, "has_session": True, "csp_nonce": "n" * 22}
    return render(request, "account/account.html", context)


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html", {"csp_nonce": "n" * 22})


class Argon2idHasher(Argon2PasswordHasher):
    """With the parameters of auth_api; Django's own are 100 MiB, t=2, p=8."""

    memory_cost, time_cost, parallelism = 19456, 2, 1


urlpatterns = [
    path("", home),
    path("account", account),
    path("login", LoginView.as_view(template_name="login.html")),
]
application = get_wsgi_application()


def prepare() -> str:
    """Make the tables and one signed-in session; return its key."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.base import SessionBase
    from django.core.management import call_command
    from django.utils.module_loading import import_string

    call_command("migrate", verbosity=0)
    password = ENVIRONMENT["GATEHOUSE_BENCH_PASSWORD"]
    name = "ada@example.com"
    user = User.objects.create_user(name, name, password, first_name="Ada Lovelace")
    session: SessionBase = import_string(f"{settings.SESSION_ENGINE}.SessionStore")()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


if __name__ == "__main__":
    print(prepare())
