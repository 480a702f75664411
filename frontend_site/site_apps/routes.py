"""Every view of the site, with the route that leads to it."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLResolver, get_resolver


def views_by_route() -> Iterator[tuple[str, Any]]:
    """Yield routes such as "notes/<int:pk>/edit", without a leading slash, and their views."""
    return _below(get_resolver(), "")


def _below(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Any]]:
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from _below(entry, route)
        else:
            yield route, entry.callback
