"""How `manage.py doctor` asks frontend_site, through the front door, how a request arrived.

Only a caller that knows a service key gets an answer. The question is signed with it, but is not a service token: a
proxy that logs it learns nothing with which to call auth_api (docs/decisions/0023-doctor.md).
"""

import hmac
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

from .keys import Key

PATH = "/auth/doctor"
HEADER = "Doctor-Question"  # some proxies remove Gatehouse-*, which could claim an identity
LIFETIME = 60  # seconds of a question, either way
_GRAMMAR = re.compile(
    r"(doctor1\.([a-z0-9]{1,16})\.([0-9]{1,12})\.([0-9a-f]{32}))\.([0-9a-f]{64})", re.ASCII
)


@dataclass(frozen=True)
class Question:
    """A question that was signed with one of our keys. `is_current`: not too old by our clock."""

    nonce: str
    is_current: bool


@dataclass(frozen=True)
class SiteReport:
    """What frontend_site sees of a request, and the settings that this depends on. Contains no secret."""

    nonce: str  # of the question: proof that no cache has answered
    time: float  # Unix seconds, by the clock of frontend_site
    client_address: str  # what it takes for the client's
    forwarded_for: str  # X-Forwarded-For as it arrived
    is_secure: bool
    host: str
    request_id: str
    environment: str
    public_origin: str
    proxy_hops: int
    hsts: str
    forward_auth_paths: Sequence[str]
    body_limit: int  # bytes
    largest_body: int  # bytes: the largest limit that a view declares
    largest_body_path: str  # where the address of that view begins
    weak_secrets: Sequence[str]  # sentences that name the variable
    warnings: Sequence[Mapping[str, str]]  # of its system checks: "found" and "mend"
    status: str  # of /readyz
    missing: Sequence[str]
    python: str
    django: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "SiteReport":
        """Return the report in `document`. Raises ValueError if a member is missing."""
        names = [each.name for each in fields(cls)]
        if not document.keys() >= set(names):
            raise ValueError("a report of another release")
        return cls(**{name: document[name] for name in names})


def sign_question(key: Key, *, now: float | None = None) -> tuple[str, str]:
    """Return the value of HEADER and its nonce. `now`: Unix seconds by the clock of frontend_site, if known."""
    nonce = secrets.token_hex(16)
    text = f"doctor1.{key.id}.{int(time.time() if now is None else now)}.{nonce}"
    return f"{text}.{_mac(key, text)}", nonce


def judge_question(header: str, keys: Sequence[Key]) -> Question | None:
    """Return the question in a HEADER, None unless it was signed with one of `keys`."""
    match = _GRAMMAR.fullmatch(header)
    if match is None:
        return None
    text, key_id, asked_at, nonce, mac = match.groups()
    signed = [hmac.compare_digest(mac, _mac(key, text)) and key.id == key_id for key in keys]
    if not any(signed):
        return None
    return Question(nonce, abs(time.time() - int(asked_at)) <= LIFETIME)


def _mac(key: Key, text: str) -> str:
    return hmac.digest(key.secret, f"gatehouse.doctor\0{text}".encode(), sha256).hex()
