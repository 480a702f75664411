"""Gatehouse's own settings, as one typed object."""

from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from frontend_site.settings.base import Gatehouse


def options() -> "Gatehouse":
    """Return `settings.GATEHOUSE` of this project."""
    lazy: Any = settings
    gatehouse: Gatehouse = lazy.GATEHOUSE
    return gatehouse
