"""The decorators by which a view declares its access rules; the middleware enforces them (docs/how-to/adopting.md).

A view that declares nothing is protected: it accepts GET only, and runs only after auth_api has
confirmed the session, which counts as use. Under /api/ it is a JSON endpoint, elsewhere a page.
"""

from collections.abc import Callable
from typing import Any, Literal

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseBase

from frontend_site.settings.levels import LEVELS

from .levels import Demand

View = Callable[..., HttpResponseBase]
Kind = Literal["page", "json", "probe", "upstream"]
# How a view's session is checked. "use": auth_api checks it before the view runs, and the idle clock
# restarts. "peek": the same, but the idle clock does not restart (polling). "own-call": the view makes
# its own call to auth_api, with frontend_site.backend.session_check, which checks the session.
Session = Literal["use", "peek", "own-call"]


def page(*methods: str, public: bool = False, session: Session = "use") -> Callable[[View], View]:
    """Mark an HTML page of this site. `public`: needs no session; `session`: see above."""
    return _marked("page", methods, public, session)


def endpoint(
    *methods: str, public: bool = False, session: Session = "use"
) -> Callable[[View], View]:
    """Mark a JSON endpoint under /api/. `public`: needs no session; `session`: see above."""
    return _marked("json", methods, public, session)


def probe(view: View) -> View:
    """Mark a view for machines that watch this process."""
    return _marked("probe", ("GET",), True, "peek")(view)


def upstream_endpoint(view: View) -> View:
    """Mark the way to services behind this site: bodies pass unread, by every usual method."""
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return _marked("upstream", methods, False, "own-call")(view)


def require_level(level: str, *, max_age: int | None = None) -> Callable[[View], View]:
    """Mark a view that needs a level of assurance, "aal1" or "aal2"; it is then no public view.

    `max_age`: the user has authenticated at most so many seconds ago. A page that is asked for by a session below
    that level leads to the page that asks for a password or code, and back; a form is completed; a fetch gets
    403 `step-up-required`.
    """
    if level not in LEVELS:
        raise ValueError(f"no level of assurance: {level!r}; use one of {', '.join(LEVELS)}")

    def mark(view: View) -> View:
        marked: Any = view
        marked.demand = Demand(level, max_age)
        return view

    return mark


def demand_of(view: View) -> Demand | None:
    """Return what a view demands of the session, beside being valid."""
    demand: Demand | None = getattr(view, "demand", None)
    return demand


def methods_of(view: View) -> tuple[str, ...]:
    """Return the methods that a view takes, HEAD with GET."""
    methods: tuple[str, ...] = getattr(view, "methods", ("GET", "HEAD"))
    return methods


def kind_of(view: View, path: str) -> Kind:
    """Return what a view at `path` is."""
    kind: Kind | None = getattr(view, "kind", None)
    return kind or ("json" if path.startswith("/api/") else "page")


def session_of(view: View) -> Session:
    """Return how a view's session is checked; for a public view, if it uses `request.user`."""
    session: Session = getattr(view, "session", "use")
    return session


def is_public(view: View) -> bool:
    """Whether a view needs no session (Django's `login_not_required`)."""
    return not getattr(view, "login_required", True) and demand_of(view) is None


def _marked(
    kind: Kind, methods: tuple[str, ...], public: bool, session: Session
) -> Callable[[View], View]:
    def mark(view: View) -> View:
        marked: Any = login_not_required(view) if public else view
        marked.kind = kind
        marked.methods = ("GET", "HEAD", *methods[1:]) if methods[0] == "GET" else methods
        marked.session = session
        return view

    return mark
