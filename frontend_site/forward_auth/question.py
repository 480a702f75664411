"""Reads what a proxy asks at /auth/verify."""

import re
from dataclasses import dataclass

from django.http import QueryDict
from django.http.request import HttpHeaders

from frontend_site.options import options
from frontend_site.settings.levels import AAL1, LEVELS
from frontend_site.settings.upstream_options import CLAIMS
from frontend_site.settings.upstreams import DEFAULT_AUDIENCE, NAME
from frontend_site.site_request import SiteRequest

_AUDIENCE = re.compile(NAME, re.ASCII)
_NO_METHOD = "Make the proxy send X-Forwarded-Method or X-Original-Method."
NO_URI = "Make the proxy send X-Forwarded-Uri or X-Original-URI."
_OF_UPSTREAM = (
    "The ?audience= in the proxy is a name from GATEHOUSE_UPSTREAMS, whose tokens are for that upstream only. "
    "Rename one of the two."
)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class UnclearQuestion(ValueError):
    """The proxy asks for something that does not exist, or its headers contradict each other.

    Its text says what to change, for the log.
    """


@dataclass(frozen=True)
class Question:
    """The request to an app that the proxy asks about, and what the app hears of its user.

    `claims`: None if the proxy does not choose; then the app gets the address, its token nothing. `level` is
    what the proxy demands, beside the access rules.
    """

    method: str
    uri: str
    upgrades: bool  # to a websocket: no method tells that it has effects
    audience: str
    claims: frozenset[str] | None
    level: str

    @classmethod
    def of(cls, request: SiteRequest) -> "Question":
        """Read a request to /auth/verify. Raises UnclearQuestion."""
        headers = request.headers
        method = _proxy_header(headers, "Method")
        if not method:  # it could be unsafe
            raise UnclearQuestion(_NO_METHOD)
        upgrades = "Sec-WebSocket-Key" in headers
        query = request.GET
        return cls(
            method,
            _proxy_header(headers, "Uri"),
            upgrades,
            _audience(query),
            _claims(query),
            level_in(query),
        )

    @property
    def path(self) -> str:
        """The path of the original request, without its query."""
        return self.uri.partition("?")[0]

    @property
    def may_have_effects(self) -> bool:
        """Whether the original request may change something in the app."""
        return self.method not in _SAFE or self.upgrades


def _proxy_header(headers: HttpHeaders, what: str) -> str:
    """Return a header that the proxy sets; "" without one.

    nginx calls it X-Original-..., others X-Forwarded-.... If both are there and differ, one comes from the
    browser, which could name a path that is open to it.
    """
    values = {headers.get(f"X-{word}-{what}", "") for word in ("Forwarded", "Original")} - {""}
    if len(values) > 1:
        raise UnclearQuestion(
            f"X-Forwarded-{what} and X-Original-{what} differ. Make the proxy set one and remove the other."
        )
    return values.pop() if values else ""


def _audience(query: QueryDict) -> str:
    audience = query.get("audience", DEFAULT_AUDIENCE)
    # A token for an upstream opens that upstream: only the BFF's own calls carry one.
    upstreams = {upstream.name for upstream in options().upstreams}
    if audience in upstreams:
        raise UnclearQuestion(_OF_UPSTREAM)
    if not _AUDIENCE.fullmatch(audience):
        raise UnclearQuestion(f"Correct ?audience= in the proxy: a name must match {NAME}.")
    return audience


def level_in(query: QueryDict) -> str:
    """Return the level that the proxy demands. Raises UnclearQuestion, also for an empty one, which demands nothing."""
    level = query.get("level", AAL1)
    if level not in LEVELS:
        raise UnclearQuestion(f"Correct ?level= in the proxy: the levels are {', '.join(LEVELS)}.")
    return level


def _claims(query: QueryDict) -> frozenset[str] | None:
    text = query.get("claims")
    if text is None:
        return None
    claims = frozenset(filter(None, text.split(",")))
    if not claims <= set(CLAIMS):
        raise UnclearQuestion(f"Correct ?claims= in the proxy: the claims are {', '.join(CLAIMS)}.")
    return claims
