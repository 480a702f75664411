"""What a view says about itself; the middleware holds it to that.

A view that says nothing is a page, protected, and takes GET only.
"""

from collections.abc import Callable
from typing import Any, Literal

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseBase

View = Callable[..., HttpResponseBase]
Kind = Literal["page", "json", "probe", "upstream"]


def page(*methods: str, public: bool = False) -> Callable[[View], View]:
    """Mark an HTML page of this site. `public`: needs no session cookie."""
    return _marked("page", methods, public)


def endpoint(*methods: str, public: bool = False) -> Callable[[View], View]:
    """Mark a JSON endpoint under /api/. `public`: needs no session cookie."""
    return _marked("json", methods, public)


def probe(view: View) -> View:
    """Mark a view for machines that watch this process."""
    return _marked("probe", ("GET",), True)(view)


def upstream_endpoint(view: View) -> View:
    """Mark the way to services behind this site: bodies pass unread, by every usual method."""
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return _marked("upstream", methods, False)(view)


def methods_of(view: View) -> tuple[str, ...]:
    """Return the methods that a view takes, HEAD with GET."""
    methods: tuple[str, ...] = getattr(view, "methods", ("GET", "HEAD"))
    return methods


def kind_of(view: View) -> Kind:
    kind: Kind = getattr(view, "kind", "page")
    return kind


def _marked(kind: Kind, methods: tuple[str, ...], public: bool) -> Callable[[View], View]:
    def mark(view: View) -> View:
        marked: Any = login_not_required(view) if public else view
        marked.kind = kind
        marked.methods = ("GET", "HEAD", *methods[1:]) if methods[0] == "GET" else methods
        return view

    return mark
