"""The decorators by which a view declares its access rules; the middleware enforces them (docs/how-to/adopting.md).

A view that declares nothing is protected: it runs only after auth_api has confirmed the session, which
counts as use. A function accepts GET only, a class the methods that it has. Under /api/ it is a JSON
endpoint, elsewhere a page. All decorators take functions and classes.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, Literal, TypeVar

from django.http import HttpResponseBase
from django.utils.decorators import method_decorator

from frontend_site.errors import SignInRequired
from frontend_site.settings.levels import LEVELS

from .levels import Demand, StepUpRequired

V = TypeVar("V")
View = Callable[..., HttpResponseBase]
Kind = Literal["page", "json", "probe", "upstream", "webhook"]
# How a view's session is checked. "use": auth_api checks it before the view runs, and the idle clock
# restarts. "peek": the same, but the idle clock does not restart (polling). "own-call": the view makes
# its own call to auth_api, with frontend_site.backend.session_check, which checks the session.
Session = Literal["use", "peek", "own-call"]
_NOT_DECLARED = ("options", "trace")  # of every class, or for debugging


def page(*methods: str, public: bool = False, session: Session = "use") -> Callable[[V], V]:
    """Mark an HTML page of this site. `public`: needs no session; `session`: see above."""
    return _marked("page", methods, public, session)


def endpoint(*methods: str, public: bool = False, session: Session = "use") -> Callable[[V], V]:
    """Mark a JSON endpoint: errors are problem documents, bodies are JSON, and no other site can read it."""
    return _marked("json", methods, public, session)


def webhook(*methods: str) -> Callable[[V], V]:
    """Mark a view that machines call (POST, unless `methods` says otherwise).

    No cookie is read, `request.user` is nobody, and no CSRF token is checked: the view must check a
    signature or a secret itself. The body is JSON, unless `accepts` says otherwise.
    """
    return _marked("webhook", methods or ("POST",), True, "peek")


def probe(view: View) -> View:
    """Mark a view for machines that watch this process."""
    return _marked("probe", ("GET",), True, "peek")(view)


def upstream_endpoint(view: View) -> View:
    """Mark the way to services behind this site: bodies pass unread, by every usual method."""
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return _marked("upstream", methods, False, "own-call")(view)


def require_level(level: str, *, max_age: int | None = None) -> Callable[[V], V]:
    """Mark a view that needs a level of assurance, "aal1" or "aal2"; it is then not public.

    `max_age`: the user has authenticated at most so many seconds ago. A page that is asked for by a session below
    that level leads to the page that asks for a password or code, and back; a form is completed; a fetch gets
    403 `step-up-required`. The middleware checks it before the view runs; so does the view itself, since other
    decorators, a subclass with a `dispatch` of its own, or `api_view` can hide this mark from the middleware.
    """
    if level not in LEVELS:
        raise ValueError(f"no level of assurance: {level!r}; use one of {', '.join(LEVELS)}")
    demand = Demand(level, max_age)

    def mark(view: View) -> View:
        marked: Any = guarded(view, lambda user: _require(user, demand))
        marked.demand = demand
        return marked  # type: ignore[no-any-return]

    return for_views(mark)


def _require(user: Any, demand: Demand) -> None:
    if not user.is_authenticated:
        raise SignInRequired("")
    if not user.meets(demand):
        raise StepUpRequired(demand)


def guarded(view: View, require: Callable[[Any], None]) -> View:
    """Return `view`, which runs only if `require` accepts `request.user` without raising."""

    @wraps(view)
    def check(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        require(request.user)
        return view(request, *args, **kwargs)

    return check


def demand_of(view: View) -> Demand | None:
    """Return what a view demands of the session, beside being valid."""
    demand: Demand | None = getattr(view, "demand", None)
    return demand


def methods_of(view: View) -> tuple[str, ...]:
    """Return the methods that a view takes, HEAD with GET."""
    methods: tuple[str, ...] | None = getattr(view, "methods", None)
    return methods or _methods_of_class(view)


def kind_of(view: View, path: str) -> Kind:
    """Return what a view at `path` is."""
    kind: Kind | None = getattr(view, "kind", None)
    return kind or ("json" if path.startswith("/api/") else "page")


def session_of(view: View) -> Session:
    """Return how a view's session is checked; for a public view, if it uses `request.user`."""
    session: Session = getattr(view, "session", "use")
    return session


def is_public(view: View) -> bool:
    """Whether a view needs no session: by `public=True`, or by Django's `login_not_required`.

    A view that demands a level never is. REST framework puts the attribute of `login_not_required` on each of its
    views (those have `cls`), and leaves it to settings whether a visitor may call them. So there it counts for nothing.
    """
    if demand_of(view) is not None:
        return False
    if getattr(view, "public", False):
        return True
    return not getattr(view, "login_required", True) and not hasattr(view, "cls")


@cache
def _methods_of_class(view: View) -> tuple[str, ...]:
    """Return the methods that a class-based view has (as_view of Django or REST framework), else GET."""
    known: Any = view
    kind = getattr(known, "view_class", None) or getattr(known, "cls", None)
    if kind is None:
        return ("GET", "HEAD")
    given = getattr(known, "view_initkwargs", None) or getattr(known, "initkwargs", {})
    handlers = getattr(known, "actions", None) or set(dir(kind))
    allowed = given.get("http_method_names", kind.http_method_names)
    names = [name.upper() for name in allowed if name in handlers and name not in _NOT_DECLARED]
    return tuple(names) if "GET" not in names or "HEAD" in names else (*names, "HEAD")


def _marked(
    kind: Kind, methods: tuple[str, ...], public: bool, session: Session
) -> Callable[[V], V]:
    def mark(view: View) -> View:
        marked: Any = view
        marked.kind = kind
        # What this declaration says counts, not what a base class or an inner decorator has said.
        marked.public, marked.login_required = public, not public
        if methods:
            marked.methods = ("GET", "HEAD", *methods[1:]) if methods[0] == "GET" else methods
        marked.session = session
        return view

    return for_views(mark)


def for_views(mark: Callable[[View], View]) -> Callable[[V], V]:
    """Return a decorator of view functions as one that takes view classes, too."""

    def decorate(view: V) -> V:
        if isinstance(view, type):
            _decorate_class(view, mark)
            return view
        return mark(view)  # type: ignore[arg-type, return-value]

    return decorate


def _decorate_class(kind: Any, mark: Callable[[View], View]) -> None:
    method_decorator(mark, name="dispatch")(kind)

    def blank(request: Any) -> HttpResponseBase:
        raise NotImplementedError

    # method_decorator prefers the attributes of a base class to those of `mark`.
    declared = {name: value for name, value in vars(mark(blank)).items() if name != "__wrapped__"}
    vars(kind.dispatch).update(declared)
