"""CSRF tokens: a stateless, signed double submit, bound to the session (docs/explanation/csrf.md).

    token = nonce "." tag "." MAC      all base64url: 22, 22 and 43 characters
    tag   = first 128 bits of HMAC-SHA256(key, "binding" | nonce | binding)
    MAC   = HMAC-SHA256(key, "token" | nonce | tag)

The binding is the hash of the session token, or `anonymous`. The tag stands in the token so that
"signed by us, for another session" (a stale form) can be told from "not signed by us" (a forgery).
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from enum import Enum
from hashlib import sha256

from frontend_site.session_token import SessionToken
from gatehouse.keys import Key

ANONYMOUS = "anonymous"
FIELD = "csrfmiddlewaretoken"  # what Django's {% csrf_token %} writes
_TOKEN = re.compile(r"([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})", re.ASCII)


class Verdict(Enum):
    """What a submitted token is worth."""

    GOOD = "good"
    EXPIRED = "csrf-expired"  # signed by us, but not for this session or not this cookie
    FORGED = "csrf-failed"  # absent, garbled or not signed by us


def binding_of(session_token: SessionToken | None) -> str:
    """Return what a token is bound to: a hash, so that the session token itself goes nowhere."""
    if session_token is None:
        return ANONYMOUS
    return sha256(b"gatehouse.csrf.session\0" + session_token.value.encode()).hexdigest()


class CsrfSigner:
    """Issues with the first key, verifies with every one. `keys`: newest first, never empty."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)

    def issue(self, binding: str) -> str:
        """Return a new token for `binding`."""
        nonce, key = secrets.token_urlsafe(16), self._keys[0]
        tag = _tag(key, nonce, binding)
        return f"{nonce}.{tag}.{_mac(key, nonce, tag)}"

    def verify(self, token: str | None, binding: str) -> Verdict:
        """Return GOOD, EXPIRED (signed, other binding) or FORGED. Constant time in the secrets."""
        match = _TOKEN.fullmatch(token or "")
        if match is None:
            return Verdict.FORGED
        nonce, tag, mac = match.groups()
        for key in self._keys:
            if hmac.compare_digest(mac, _mac(key, nonce, tag)):
                bound = hmac.compare_digest(tag, _tag(key, nonce, binding))
                return Verdict.GOOD if bound else Verdict.EXPIRED
        return Verdict.FORGED


class CsrfState:
    """The CSRF side of one request: the browser's cookie, and the token that forms get."""

    def __init__(
        self, signer: CsrfSigner, cookie: str | None, session: SessionToken | None
    ) -> None:
        self._signer = signer
        self._cookie = cookie
        self._session = session
        self._token: str | None = None
        self.fresh: str | None = None  # a token that the browser does not have yet

    def token(self) -> str:
        """Return the token for forms: the cookie's own while it is good, so that tabs share it."""
        if self._token is None:
            binding = binding_of(self._session)
            if self._signer.verify(self._cookie, binding) is Verdict.GOOD:
                self._token = self._cookie
            else:
                self._token = self.fresh = self._signer.issue(binding)
        return self._token or ""

    def __str__(self) -> str:
        return self.token()

    def rebind(self, session: SessionToken | None) -> None:
        """Make a new token for a session that began or ended in this very request."""
        self._session = session
        self._token = self.fresh = self._signer.issue(binding_of(session))

    @property
    def has_cookie(self) -> bool:
        """Whether the browser sent a CSRF cookie with the grammar of a token."""
        return bool(_TOKEN.fullmatch(self._cookie or ""))

    def is_for_session(self, token: str) -> bool:
        """Whether `token` is signed by us for this session."""
        return self._signer.verify(token, binding_of(self._session)) is Verdict.GOOD

    def judge(self, submitted: str | None) -> Verdict:
        """Return what the token of a form or header is worth beside this browser's cookie."""
        verdict = self._signer.verify(submitted, binding_of(self._session))
        cookie = self._cookie if self.has_cookie else ""
        if verdict is Verdict.GOOD and not hmac.compare_digest(submitted or "", cookie or ""):
            return Verdict.EXPIRED
        return verdict


def _tag(key: Key, nonce: str, binding: str) -> str:
    # The nonce has a fixed length, so the fields cannot run into each other.
    return _base64(_hmac(key, "binding", nonce + binding)[:16])


def _mac(key: Key, nonce: str, tag: str) -> str:
    return _base64(_hmac(key, "token", nonce + tag))


def _hmac(key: Key, purpose: str, text: str) -> bytes:
    return hmac.digest(key.secret, f"gatehouse.csrf.{purpose}\0{text}".encode(), sha256)


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
