"""The longest body that a view of the site takes: the proxy in front must let it pass."""

import re
from collections.abc import Iterator
from operator import itemgetter

from django.urls import URLPattern, URLResolver, get_resolver

from frontend_site.options import options
from frontend_site.security.bodies import body_of

_FIXED = re.compile(
    r"[A-Za-z0-9._~/-]*", re.ASCII
)  # what a route begins with, before its variable part


def largest_body() -> tuple[int, str]:
    """Return the largest limit that a view declares with `accepts`, in bytes, and where its address begins.

    Without such a view, the usual limit and "/".
    """
    usual = (options().body_limit, "/")
    return max(_limits(get_resolver(), ""), default=usual, key=itemgetter(0))


def _limits(resolver: URLResolver, prefix: str) -> Iterator[tuple[int, str]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _limits(entry, route)
        elif isinstance(entry, URLPattern) and (declared := body_of(entry.callback)):
            yield declared.limit, _beginning(route)


def _beginning(route: str) -> str:
    """Return the fixed part of "notes/<int:pk>/edit", as "/notes/"."""
    fixed = _FIXED.match(route)
    return f"/{fixed[0] if fixed else ''}"
