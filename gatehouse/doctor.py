"""How `manage.py doctor` asks frontend_site, through the front door, how a request arrived.

Only a caller that knows a service key gets an answer. The question is signed with it, but is not a service token: a
proxy that logs it learns nothing with which to call auth_api. The answer is sealed with a key that only a holder of
the service key can derive: whoever sends a logged question again cannot read it (docs/decisions/0023-doctor.md).
"""

import hmac
import json
import re
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .keys import Key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PATH = "/auth/doctor"
HEADER = "Doctor-Question"  # some proxies remove Gatehouse-*, which could claim an identity
LIFETIME = 60  # seconds of a question, either way
_SALT = 12  # bytes, of AES-GCM: each answer has its own, also to one question that is sent twice
_GRAMMAR = re.compile(
    r"(doctor1\.([a-z0-9]{1,16})\.([0-9]{1,12})\.([0-9a-f]{32}))\.([0-9a-f]{64})", re.ASCII
)


@dataclass(frozen=True)
class Question:
    """A question that was signed with one of our keys, `key`. `is_current`: not too old by our clock."""

    nonce: str
    is_current: bool
    key: Key = field(repr=False)


@dataclass(frozen=True)
class SiteReport:
    """What frontend_site sees of a request, and the settings that this depends on. Contains no secret."""

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
    groups: Sequence[str]  # that access rules name
    body_limit: int  # bytes
    largest_body: int  # bytes: the largest limit that a view declares
    largest_body_path: str  # where the address of that view begins
    weak_secrets: Sequence[str]  # sentences that name the variable
    warnings: Sequence[Mapping[str, str]]  # of its system checks: "found" and "mend"
    status: str  # of /readyz
    missing: Sequence[str]
    database: Mapping[str, Any] | None  # of its apps (frontend_site/site_apps/database_state.py)
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
    is_current = abs(time.time() - int(asked_at)) <= LIFETIME
    return Question(nonce, is_current, keys[signed.index(True)])


def sealed_answer(report: SiteReport, question: Question) -> dict[str, str]:
    """Return the answer to `question`: its nonce in clear text, so that a cache is noticed, and the sealed report."""
    salt = secrets.token_bytes(_SALT)
    cipher = _answer_cipher(question.key, question.nonce)
    sealed = salt + cipher.encrypt(salt, json.dumps(asdict(report)).encode(), None)
    return {"nonce": question.nonce, "report": b64encode(sealed).decode()}


def opened_answer(document: Mapping[str, Any], key: Key) -> SiteReport:
    """Return the report in an answer to a question that `key` signed. Raises ValueError if it is none."""
    from cryptography.exceptions import InvalidTag

    try:
        sealed = b64decode(document["report"], validate=True)
        cipher = _answer_cipher(key, document["nonce"])
        return SiteReport.of(json.loads(cipher.decrypt(sealed[:_SALT], sealed[_SALT:], None)))
    except (InvalidTag, KeyError, TypeError) as error:
        raise ValueError("no answer to this question") from error


def _answer_cipher(key: Key, nonce: str) -> "AESGCM":
    # Imported here: megabytes in each worker of frontend_site, which only a doctor needs.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(hmac.digest(key.secret, f"gatehouse.doctor.answer\0{nonce}".encode(), sha256))


def _mac(key: Key, text: str) -> str:
    return hmac.digest(key.secret, f"gatehouse.doctor\0{text}".encode(), sha256).hex()
