"""The longest body that a view of the site takes: the proxy in front must let it pass."""

import re
from operator import itemgetter

from frontend_site.options import options
from frontend_site.security.bodies import body_of
from frontend_site.site_apps.routes import views_by_route

# What a route begins with, before its variable part.
_FIXED = re.compile(r"[A-Za-z0-9._~/-]*", re.ASCII)


def largest_body() -> tuple[int, str]:
    """Return the largest limit that a view declares with `accepts`, in bytes, and where its address begins.

    Without such a view, the usual limit and "/".
    """
    usual = (options().body_limit, "/")
    limits = (
        (declared.limit, _beginning(route))
        for route, view in views_by_route()
        if (declared := body_of(view))
    )
    return max(limits, default=usual, key=itemgetter(0))


def _beginning(route: str) -> str:
    """Return the fixed part of "notes/<int:pk>/edit", as "/notes/"."""
    fixed = _FIXED.match(route)
    return f"/{fixed[0] if fixed else ''}"
