"""What the Content-Security-Policy of a page may allow beyond the usual: declared by its view."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from frontend_site.security.endpoints import View, for_views

V = TypeVar("V")
Sources = tuple[tuple[str, tuple[str, ...]], ...]
_DIRECTIVES = ("connect", "font", "form-action", "frame", "img", "media", "script", "style")
_SOURCE = re.compile(r"(https|wss)://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]{1,5})?(/[\w./-]*)?|'self'", re.ASCII)  # fmt: skip
_DATA = ("data:", "blob:")  # for what cannot run


def csp(**sources: str) -> Callable[[V], V]:
    """Let a page load from elsewhere: `@csp(img="https://tiles.example.com", frame="https://pay.example.com")`.

    The names are those of the directives without `-src`; several sources are separated by spaces. Inline
    code, `unsafe-...` and `*` are not possible. Raises ImproperlyConfigured.
    """
    added = tuple(
        (name.replace("_", "-"), tuple(value.split())) for name, value in sorted(sources.items())
    )
    for name, given in added:
        _require_sound(name, given)

    def mark(view: View) -> View:
        marked: Any = view
        marked.csp_sources = added
        return view

    return for_views(mark)


def csp_of(view: View) -> Sources:
    """Return what a view adds."""
    sources: Sources = getattr(view, "csp_sources", ())
    return sources


@cache
def extended(policy: str, sources: Sources) -> str:
    """Return `policy` with `sources` added to its directives."""
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    for name, added in sources:
        directive = name if name == "form-action" else f"{name}-src"
        usual = directives.get(directive, "").replace("'none'", "").split()
        directives[directive] = " ".join(dict.fromkeys([*usual, *added]))
    return "; ".join(" ".join(pair) for pair in directives.items())


def _require_sound(name: str, sources: tuple[str, ...]) -> None:
    if name not in _DIRECTIVES:
        raise ImproperlyConfigured(f"csp: {name} must be one of {', '.join(_DIRECTIVES)}.")
    usual = () if name in ("connect", "form-action", "frame", "script", "style") else _DATA
    for source in sources:
        if source not in usual and not _SOURCE.fullmatch(source):
            raise ImproperlyConfigured(
                f"csp: {name}={source!r} must be a source such as https://tiles.example.com"
                f"{' or ' + ', '.join(usual) if usual else ''}."
            )
