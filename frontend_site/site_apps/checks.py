"""System checks of the site's apps."""

from collections import Counter
from collections.abc import Iterator
from inspect import unwrap

import django
from asgiref.sync import iscoroutinefunction
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Field, Model
from django.urls import get_resolver

from frontend_site.options import options

from .mounts import app_configs, mounts
from .router import CODE_ONLY
from .routes import views_by_route

# The first part of every address that Gatehouse has, or keeps for itself.
RESERVED = frozenset({
    "account", "api", "auth", "dev", "email", "gatehouse.js", "healthz", "invitation", "login", "logout", "metrics",
    "password", "readyz", "register", "sessions", "static", ".well-known",
})  # fmt: skip


def load_apps() -> None:
    """Set Django up, if that is not done, and import the addresses of the site's apps.

    Raises ImproperlyConfigured for two apps with the same label.
    """
    if not apps.ready:
        _require_unique_labels()
        django.setup()
    if options().apps:
        get_resolver().url_patterns  # noqa: B018 - imports them


def _require_unique_labels() -> None:
    if not options().apps:
        return
    configs = [AppConfig.create(entry) for entry in settings.INSTALLED_APPS]
    for label, count in Counter(config.label for config in configs).items():
        if count > 1:
            names = " and ".join(config.name for config in configs if config.label == label)
            raise ImproperlyConfigured(
                f"GATEHOUSE_APPS: {names} have the same label, {label}. Set another `label` in the AppConfig of one."
            )


@register()
def check_prefixes(app_configs: object, **_: object) -> list[CheckMessage]:
    """An address that two apps claim is served by whichever comes first."""
    found = [f"GATEHOUSE_APPS: {text}" for mount in mounts() for text in _collisions(mount.prefix)]
    hint = "Give the app another prefix, such as notes=/my-notes/."
    return [Error(text, hint=hint, id="frontend_site.E011") for text in dict.fromkeys(found)]


def _collisions(prefix: str) -> Iterator[str]:
    folded = prefix.lower()
    if folded.split("/")[1] in RESERVED:
        yield f"addresses below {prefix} belong to Gatehouse."
    others = [mount.prefix.lower() for mount in mounts()]
    others.remove(folded)
    if any(_overlap(folded, other) for other in others):
        yield f"two apps have the prefix {prefix}, or one is below the other."
    if any(_overlap(folded, rule.lower()) for rule in options().forward_auth_paths):
        yield f"GATEHOUSE_ACCESS_RULES already has an app behind forward auth at {prefix}."


def _overlap(one: str, other: str) -> bool:
    """Whether an address can be below both. The root is below nothing: there, other prefixes come first."""
    if "/" in (one, other):
        return one == other
    return one.startswith(other) or other.startswith(one)


@register()
def check_references(app_configs: object, **_: object) -> list[CheckMessage]:
    """Users are in auth_api's database, to which no foreign key can refer."""
    return [
        Error(
            f"{model.__name__}.{field.name} refers to {_target(field)}, which has no table in this site.",
            hint="Use frontend_site.fields.UserIdField, which holds the id of a user (request.user.id).",
            obj=field,
            id="frontend_site.E012",
        )
        for model, field in _references()
    ]


def _references() -> Iterator[tuple[type[Model], "Field[object, object]"]]:
    for config in app_configs():
        for model in config.get_models():
            own = [*model._meta.local_fields, *model._meta.local_many_to_many]
            yield from ((model, field) for field in own if _leads_to_users(field))


def _leads_to_users(field: "Field[object, object]") -> bool:
    related = field.related_model
    return isinstance(related, type) and related._meta.app_label in CODE_ONLY


def _target(field: "Field[object, object]") -> str:
    related = field.related_model
    return related._meta.label if isinstance(related, type) else str(related)


@register()
def check_async_views(app_configs: object, **_: object) -> list[CheckMessage]:
    """The requests of a worker are greenlets of one thread, and asyncio allows one running event loop per thread.

    A second async view would fail, and while one waits, the queries of all other views would, too.
    """
    return [
        Error(
            f"{view.__module__}.{view.__qualname__} is an async view, which the site's workers cannot run.",
            hint="Write it as a plain function or class: while it waits, a worker serves other requests anyway.",
            id="frontend_site.E013",
        )
        for _, view in views_by_route()
        if iscoroutinefunction(view) or iscoroutinefunction(unwrap(view))  # a decorator may hide it
    ]


APP_CHECKS = (check_prefixes, check_references, check_async_views)
