"""Session tokens: parsing and generating them, and the parts that may be shown."""

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256

from gatehouse.cookies import SESSION_TOKEN

REF_BYTES = 12
SECRET_BYTES = 32
HANDLE_LENGTH = 16


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def new_ref() -> str:
    """Return a random ref (96 bits): the hash tag of one user's keys. Opaque, not secret."""
    return _base64url(secrets.token_bytes(REF_BYTES))


class SessionToken:
    """`<ref>.<secret>`, as the cookie carries it. Never logged, never stored.

    `id_hash` is the SHA-256 of the secret, base64url: the only form in which a session id is stored.
    """

    __slots__ = ("id_hash", "ref", "secret")

    def __init__(self, ref: str, secret: str) -> None:
        self.ref, self.secret = ref, secret
        self.id_hash = _base64url(sha256(secret.encode("ascii")).digest())

    @classmethod
    def new(cls, ref: str | None = None) -> "SessionToken":
        """Make a token with a new 256-bit secret (ASVS 7.2.3), under `ref` or a random one."""
        return cls(ref or new_ref(), _base64url(secrets.token_bytes(SECRET_BYTES)))

    @classmethod
    def parse(cls, value: str | None) -> "SessionToken | None":
        """Return the token in `value`, or None for anything that is not exactly a token."""
        match = SESSION_TOKEN.fullmatch(value or "")
        return cls(match[1], match[2]) if match else None

    @property
    def value(self) -> str:
        """The cookie's value."""
        return f"{self.ref}.{self.secret}"

    @property
    def handle(self) -> str:
        """The public name of the session: the start of its id hash."""
        return self.id_hash[:HANDLE_LENGTH]

    def __repr__(self) -> str:
        return f"<SessionToken {self.handle}>"

    __str__ = __repr__
