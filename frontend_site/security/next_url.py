"""Validates `next`: a sign-in leads only to a page of this site."""

import re
from urllib.parse import quote, quote_plus, unquote, urlencode

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from frontend_site.options import options
from frontend_site.security.access import rules_for
from frontend_site.security.endpoints import is_public, kind_of, methods_of
from frontend_site.security.levels import Demand

DEFAULT = "/account"
CONTINUE = "/login/continue"
# Characters of `next` as it stands in a query: with a path and a method it must fit into a request line (8,190 bytes).
_LONGEST = 8000
# No backslash, no control character, no `%` in the path, no empty segment; and in the query
# nothing that a careless reader could take for an address.
_ALLOWED = re.compile(
    r"/(?:[A-Za-z0-9_~.-]+(?:/[A-Za-z0-9_~.-]+)*/?)?"
    r"(?:\?(?:[A-Za-z0-9_~.=&+!$'()*,;-]|%(?!2[fF]|5[cC]|[01]|7[fF])[0-9A-Fa-f]{2})*)?",
    re.ASCII,
)
# What may stand in a path, and in a query, unencoded (RFC 3986). A `%` that encodes nothing is encoded.
_IN_PATH = "/!$&'()*+,;=:@%"
_IN_QUERY = f"{_IN_PATH}?"
_DECODINGS = 4  # rounds
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def safe_next(value: str | None) -> str:
    """Return `value` when it names a protected page (or the home page) of this site, else /account.

    Paths of apps behind forward auth (GATEHOUSE_ACCESS_RULES) are of this site, too.

    An allowlist on top of Django's check, which lets `/./\\evil.example` and `/%5cevil` pass.
    """
    if not value or len(value) > _LONGEST or not value.isprintable():
        return DEFAULT
    if "\\" in value or " " in value:  # browsers encode these
        return DEFAULT
    path, mark, query = value.partition("?")
    is_app = path.startswith(options().forward_auth_paths)
    if is_app:
        path, query = (_STRAY_PERCENT.sub("%25", part) for part in (path, query))
    encoded = quote(path, safe=_IN_PATH) + mark + quote(query, safe=_IN_QUERY)
    is_kept = _stays_in_app(path) if is_app else _is_page(path, encoded)
    return encoded if is_kept and len(quote_plus(encoded, safe="/")) <= _LONGEST else DEFAULT


def _stays_in_app(path: str) -> bool:
    """Whether every reader takes `path`, which starts with that of an app, for a place in the app.

    `a//b` and `a%2Fb` are places. Dot segments are not; nor is a slash behind the app's path, which a
    proxy may remove: `//evil.example` would be left. Some servers take `..;x` for `..`.
    """
    decoded = _decoded(path)
    if decoded is None:
        return False
    segments = {segment.partition(";")[0] for segment in decoded.split("/")}
    starts = (start for start in options().forward_auth_paths if decoded.startswith(start))
    return (
        url_has_allowed_host_and_scheme(path, allowed_hosts=None)
        and not segments & {".", ".."}
        and decoded.isprintable()
        and "\\" not in decoded
        and not any(decoded.startswith("/", len(start)) for start in starts)
    )


def _decoded(path: str) -> str | None:
    """Return `path` as the most eager reader would decode it; None if that takes more rounds than a link has.

    Each round may take only two characters away, so without a limit the time grows with the square.
    """
    for _ in range(_DECODINGS):
        once = unquote(path)
        if once == path:
            return path
        path = once
    return None


def _is_page(path: str, encoded: str) -> bool:
    if not _ALLOWED.fullmatch(encoded) or {".", ".."} & set(path.split("/")):
        return False
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    # Public pages (/login, /logout, ...) are ways in and out, not places to be.
    protected = not is_public(view) or path == "/"
    return kind_of(view, path) == "page" and "GET" in methods_of(view) and protected


def continue_url(destination: str, demand: Demand | None = None) -> str:
    """Return the page between the login and an app (forward_auth.go_on), which asks for what `demand` needs."""
    parameters = {"next": destination}
    if demand is not None:
        parameters["level"] = demand.level
        if demand.max_age is not None:
            parameters["max_age"] = str(demand.max_age)
    return f"{CONTINUE}?{urlencode(parameters, safe='/')}"


def needs_click(destination: str) -> bool:
    """Whether only a click may lead to `destination`, which `safe_next` returned.

    A link on another site may have chosen `destination`, and a redirect from here would look same-site
    to the app. Spellings that an app may read as such a path count, too: asking too often is harmless.
    """
    path = destination.partition("?")[0]
    if not path.startswith(options().forward_auth_paths):
        return False
    rules = rules_for(path)
    return rules is None or any(rule.click for rule in rules)


def redirect_target(destination: str) -> str:
    """Return `destination`, or the page that asks for a click first."""
    return continue_url(destination) if needs_click(destination) else destination


def login_url(request: HttpRequest, *, notice: str = "") -> str:
    """Return the login page's address that leads back to where `request` wanted to go."""
    query = request.META.get("QUERY_STRING", "")
    wanted = request.path_info if not query else f"{request.path_info}?{query}"
    parameters = {"next": safe_next(wanted)}
    if notice:
        parameters["notice"] = notice
    return f"/login?{urlencode(parameters, safe='/')}"
