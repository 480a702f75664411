"""`request.session`: what the site keeps in the session of somebody who is signed in.

A dict of JSON values, which auth_api stores inside the user's session. It comes with the call that
validates the session, and what a view changed goes back in one call after it (decisions/0021).
"""

from collections.abc import Iterator, MutableMapping
from typing import Any, NoReturn

import structlog

from frontend_site.errors import SignInRequired
from frontend_site.options import options
from frontend_site.site_request import SiteRequest
from gatehouse.site_data import FIELD, SiteDataTooLarge, packed, require_shallow, require_size

from .client import Answer, AuthApiUnavailable
from .relay import relay_cookies
from .session_check import SIGNED_OUT, call_auth_api, counts_as_use, user_of

_NO_FLUSH = (
    "Send POST /logout, or call ask(request, 'logout') (frontend_site/pages/backend_calls.py)."
)
_log = structlog.get_logger("frontend_site")


class SiteSession(MutableMapping[str, Any]):
    """The site's data in the session of one request; read when it is first used.

    As in Django, a key that is set, changed inside or deleted is stored after the view, unless that failed
    (5xx). Unlike in Django, a change inside a value is seen without `modified = True`. Strangers have
    no session: for them it is empty, and lasts as long as the request.
    Any use raises AuthApiUnavailable when auth_api cannot tell whose session it is.
    """

    def __init__(self, request: SiteRequest) -> None:
        self.accessed = False
        self._request = request
        self._values: dict[str, Any] = {}
        self._stored: dict[str, bytes] = {}  # as they were read, packed
        self._ref = ""  # whose session they were read from; "" for a stranger

    # -- a dict

    def __getitem__(self, key: str) -> Any:
        return self._read()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        """Set one key. Raises TypeError, with the key, for what is not JSON."""
        if not isinstance(key, str):
            raise TypeError(f"the keys of request.session are text, not {type(key).__name__}")
        _packed(key, value)  # here, where the traceback shows who set it
        self._read()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    # -- what Django's sessions have besides

    def is_empty(self) -> bool:
        """Whether it holds nothing."""
        return not self._read()

    @property
    def modified(self) -> bool:
        """Whether something differs from what is stored."""
        return self.accessed and self._change() is not None

    @modified.setter
    def modified(self, value: bool) -> None:
        """Accept `request.session.modified = True`, which code for Django says; changes are seen without."""

    def flush(self) -> NoReturn:
        """Refuse: signing out is for auth_api, which ends the session and its cookie."""
        raise NotImplementedError(f"request.session.flush() does not sign out here. {_NO_FLUSH}")

    def cycle_key(self) -> NoReturn:
        """Refuse: auth_api gives the session a new token when it has to."""
        raise NotImplementedError("request.session.cycle_key(): auth_api renews the token itself.")

    # -- reading and storing

    def save(self) -> None:
        """Store what was changed, by one call if there is any. For the middleware, after the view.

        Raises SignInRequired if the session has ended, AuthApiUnavailable if it is unknown whether the
        change is stored, SiteDataTooLarge, and TypeError, with the key, for what is not JSON.
        """
        change = self._change()
        if change is None:
            return
        token = self._request.session_token
        if not self._ref:
            _report_dropped(self._request)
        elif token is not None and token.ref == self._ref:  # else they signed out in this request
            _asked(self._request, "change-site-data", change)

    def _read(self) -> dict[str, Any]:
        token = self._request.session_token
        # Who signs in as somebody else in this request finds nothing of the former user.
        if not self.accessed or (self._ref and token is not None and token.ref != self._ref):
            found = _site_data(self._request)
            token = self._request.session_token
            self._values, self._ref = found or {}, token.ref if token and found is not None else ""
            self._stored = {key: packed(value) for key, value in self._values.items()}
            self.accessed = True
        return self._values

    def _change(self) -> bytes | None:
        """Return the body of the call that stores what was changed; None if nothing was."""
        values = {key: _packed(key, value) for key, value in self._values.items()}
        changed = [key for key, value in values.items() if value != self._stored.get(key)]
        deleted = [key for key in self._stored if key not in values]
        if not changed and not deleted:
            return None
        require_size(values)
        members = b",".join(packed(key) + b":" + values[key] for key in changed)
        return b'{"changed":{%s},"deleted":%s}' % (members, packed(deleted))


def _site_data(request: SiteRequest) -> dict[str, Any] | None:
    """Return the data that came with the validation; None for a stranger.

    If the view's own call has validated the session, this makes one more.
    """
    if not user_of(request).is_authenticated:
        return None
    answer = request.session_check.site_answer or _asked(request, "page-session-peek")
    data = answer.document.get(FIELD, {})
    if not isinstance(data, dict):
        raise AuthApiUnavailable("a session with garbled data")
    return data


def _asked(request: SiteRequest, route: str, body: bytes = b"") -> Answer:
    """Return the success of a call. Raises as `SiteSession.save`."""
    content_type = "application/json" if body else ""
    answer = call_auth_api(request, route, body=body, content_type=content_type)
    if answer.status < 400:
        return answer
    if answer.status == 401 and answer.slug in SIGNED_OUT:
        if counts_as_use(request):
            relay_cookies(request, answer)
        raise SignInRequired("session-ended")
    if answer.slug == "site-data-too-large":  # with what another request has stored meanwhile
        raise SiteDataTooLarge
    raise AuthApiUnavailable(f"{route}: {answer.status}", retry_after=answer.retry_after)


def _packed(key: str, value: object) -> bytes:
    try:
        require_shallow(value)
        return packed(value)
    except TypeError as error:
        raise TypeError(f"request.session[{key!r}] is not JSON: {error}") from None


def _report_dropped(request: SiteRequest) -> None:
    """Tell the developer what nobody else sees: it is no fault, but rarely what was meant."""
    if options().environment != "production":
        _log.warning(
            "session.not_stored",
            path=request.path_info,
            hint="Nobody is signed in, so request.session, including messages for the next page, is lost "
            "after this request.",
        )
