"""Template settings for development: a changed template is read without a restart."""

from collections.abc import Mapping, Sequence
from typing import Any

_LOADERS = "django.template.loaders"


def fresh_templates(templates: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return Django's TEMPLATES without caches that only a restart empties."""
    return [_fresh(entry) for entry in templates]


def _fresh(entry: Mapping[str, Any]) -> dict[str, Any]:
    options = entry.get("OPTIONS", {})
    if entry["BACKEND"].endswith(".Jinja2"):
        return {**entry, "OPTIONS": {**options, "auto_reload": True}}
    loaders = [f"{_LOADERS}.filesystem.Loader"]
    if entry.get("APP_DIRS"):
        loaders.append(f"{_LOADERS}.app_directories.Loader")
    return {**entry, "APP_DIRS": False, "OPTIONS": {"loaders": loaders, **options}}
