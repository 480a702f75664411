"""Parses GATEHOUSE_APPS: the Django apps of this site, and the settings that they bring along.

An item is the dotted name of an app, and optionally where its addresses begin: `notes`, `shop.orders=/orders/`,
`rest_framework=none` for an app without addresses.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ImproperlyConfigured

NOWHERE = "none"
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_PREFIX = re.compile(r"/(?:[A-Za-z0-9_~-]+/)*", re.ASCII)
_OURS = ("auth_api", "frontend_site", "gatehouse")
_INSTALLED = ("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages", "django.contrib.staticfiles")  # fmt: skip
_IMPOSSIBLE = {
    "django.contrib.admin": "the admin manages accounts, and is part of auth_api (docs/how-to/operations.md)",
    "django.contrib.sessions": "sessions are stored by auth_api",
}

_MESSAGES = "django.contrib.messages.context_processors.messages"
_REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["frontend_site.rest_framework.SiteAuthentication"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}


@dataclass(frozen=True)
class SiteApp:
    """One app. `prefix` as in GATEHOUSE_APPS: a path, "none", or "" for the app's label."""

    name: str
    prefix: str = ""

    @property
    def has_models(self) -> bool:
        """Whether it has a module of models."""
        return find_spec(f"{self.name}.models") is not None


def parse_site_apps(items: list[str]) -> tuple[SiteApp, ...]:
    """Return the apps, in the order of the setting. Raises ImproperlyConfigured."""
    apps = tuple(map(_parse, items))
    names = [app.name for app in apps]
    for name in names:
        if names.count(name) > 1:
            raise _refused(name, "is named twice. Remove one")
    return apps


def _parse(item: str) -> SiteApp:
    name, equals, prefix = item.partition("=")
    if not _NAME.fullmatch(name):
        raise _refused(
            item, "must be the dotted name of a Django app, such as notes or shop.orders"
        )
    if equals and prefix != NOWHERE and not _PREFIX.fullmatch(prefix):
        raise _refused(item, f"must have a path such as /notes/ after the =, or {NOWHERE}")
    if name.partition(".")[0] in _OURS or name in _INSTALLED:
        raise _refused(name, "is already installed. Remove it")
    if name in _IMPOSSIBLE:
        raise _refused(name, f"is not supported: {_IMPOSSIBLE[name]}. Remove it")
    if not _exists(name):
        raise _refused(
            name, "is not found. Put its folder beside manage.py, or install its package in .venv"
        )
    return SiteApp(name, prefix)


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            return False
        raise  # something that a parent package imports


def _refused(what: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"GATEHOUSE_APPS: {what[:60]!r} {why}.")


def add_apps(target: dict[str, Any], apps: tuple[SiteApp, ...]) -> None:
    """Change the settings in `target` to those of a site with apps.

    contenttypes and auth are installed for their code only: login_required, AnonymousUser and REST framework
    import their models. No table of theirs is made (frontend_site/site_apps/router.py).
    """
    names = [app.name for app in apps]
    target["INSTALLED_APPS"] = [
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.messages",
        *target["INSTALLED_APPS"],
        *names,
    ]
    target["MIDDLEWARE"] = [
        *target["MIDDLEWARE"],
        "frontend_site.middleware.late_body.LateBodyMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    # The limits of bodies are those of RequestShapeMiddleware, which knows what a view declares.
    target |= {
        "DATA_UPLOAD_MAX_MEMORY_SIZE": None,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 1000,  # Django's own default: formsets have many
        "MEDIA_ROOT": target["VAR"] / "media",
    }
    if "rest_framework" in names:
        target["REST_FRAMEWORK"] = _REST_FRAMEWORK
    [jinja2] = target["TEMPLATES"]
    target["TEMPLATES"] = [_with_messages(jinja2), _django_templates(jinja2)]


def _with_messages(jinja2: dict[str, Any]) -> dict[str, Any]:
    """Return the engine of our own pages, which apps may use, too: from their folders `jinja2`."""
    processors = [*jinja2["OPTIONS"]["context_processors"], _MESSAGES]
    return {
        **jinja2,
        "APP_DIRS": True,
        "OPTIONS": {**jinja2["OPTIONS"], "context_processors": processors},
    }


def _django_templates(jinja2: dict[str, Any]) -> dict[str, Any]:
    """Return Django's engine. Both read base.html and private.html, which use only what both understand."""
    request = "django.template.context_processors.request"
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": jinja2["DIRS"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["frontend_site.templatetags.gatehouse"],
            "context_processors": [request, _MESSAGES, *jinja2["OPTIONS"]["context_processors"]],
        },
    }
