"""Validates `next`: a sign-in leads only to a page of this site."""

import re
from urllib.parse import unquote, urlencode

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from frontend_site.options import options
from frontend_site.security.endpoints import is_public, kind_of, methods_of

DEFAULT = "/account"
_LONGEST = 1024
# No backslash, no control character, no `%` in the path, no empty segment; and in the query
# nothing that a careless reader could take for an address.
_ALLOWED = re.compile(
    r"/(?:[A-Za-z0-9_~.-]+(?:/[A-Za-z0-9_~.-]+)*/?)?"
    r"(?:\?(?:[A-Za-z0-9_~.=&+-]|%(?!2[fF]|5[cC]|[01]|7[fF])[0-9A-Fa-f]{2})*)?",
    re.ASCII,
)
# Paths of apps, which are not ours to name: what RFC 3986 allows, but no slash, backslash, percent sign, dot or control
# character that is encoded, since two readers could take such a path for two places.
_ONCE = r"[A-Za-z0-9_~.!$&'()*+,;=:@-]|%(?!2[fFeE5]|5[cC]|[01]|7[fF])[0-9A-Fa-f]{2}"
_ALLOWED_OF_APPS = re.compile(
    rf"(?:/(?:{_ONCE})+)+/?(?:\?(?:[A-Za-z0-9_~.!$&'()*+,;=:@/?-]|%(?!5[cC]|[01]|7[fF])[0-9A-Fa-f]{{2}})*)?",
    re.ASCII,
)


def safe_next(value: str | None) -> str:
    """Return `value` when it names a protected page (or the home page) of this site, else /account.

    Paths of apps behind forward auth (GATEHOUSE_ACCESS_RULES) are of this site, too.

    An allowlist on top of Django's check, which lets `/./\\evil.example` and `/%5cevil` pass.
    """
    if not value or len(value) > _LONGEST:
        return DEFAULT
    is_app = value.startswith(options().forward_auth_paths)
    if not (_ALLOWED_OF_APPS if is_app else _ALLOWED).fullmatch(value):
        return DEFAULT
    if not url_has_allowed_host_and_scheme(value, allowed_hosts=None):
        return DEFAULT
    path = value.partition("?")[0]
    return value if _is_destination(path) else DEFAULT


def _is_destination(path: str) -> bool:
    # Also `..;x`, which some servers take for `..`.
    if {".", ".."} & {segment.partition(";")[0] for segment in path.split("/")}:
        return False
    if path.startswith(options().forward_auth_paths):
        return True
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    # Public pages (/login, /logout, ...) are ways in and out, not places to be.
    protected = not is_public(view) or path == "/"
    return kind_of(view, path) == "page" and "GET" in methods_of(view) and protected


def continue_url(destination: str) -> str:
    """Return the page between the login and an app (forward_auth.go_on)."""
    return f"/login/continue?{urlencode({'next': destination}, safe='/')}"


def needs_click(destination: str) -> bool:
    """Whether only a click may lead to `destination`, which `safe_next` returned.

    A link on another site may have chosen `destination`, and a redirect from here would look same-site
    to the app. Spellings that an app may read as such a path count, too: asking too often is harmless.
    """
    path = re.sub(";[^/]*", "", unquote(destination.partition("?")[0])) + "/"
    return path.lower().startswith(tuple(asks.lower() for asks in options().click_paths))


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
