"""Where the addresses of the site's apps begin."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.urls import URLResolver, include, path

from frontend_site.options import options
from frontend_site.settings.site_apps import NOWHERE


@dataclass(frozen=True)
class Mount:
    """An app and its prefix: "/" or a path such as /notes/."""

    app: AppConfig
    prefix: str


def app_configs() -> Iterator[AppConfig]:
    """Yield the apps of GATEHOUSE_APPS. The registry must be ready."""
    names = {app.name for app in options().apps}
    return (config for config in apps.get_app_configs() if config.name in names)


def mounts() -> list[Mount]:
    """Return the apps that have addresses, in the order of GATEHOUSE_APPS."""
    prefixes = {app.name: app.prefix for app in options().apps}
    return [
        Mount(config, prefixes[config.name] or f"/{config.label}/")
        for config in app_configs()
        if prefixes[config.name] != NOWHERE and find_spec(f"{config.name}.urls")
    ]


def app_routes() -> list[URLResolver]:
    """Return the routes of all apps."""
    return [path(mount.prefix[1:], include(f"{mount.app.name}.urls")) for mount in mounts()]
