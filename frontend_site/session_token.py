"""The session token as frontend_site sees it: opaque, except for the ref of its user."""

from dataclasses import dataclass, field

from gatehouse.cookies import SESSION_TOKEN


@dataclass(frozen=True)
class SessionToken:
    """The value of the session cookie. It hides itself from logs; only `value` shows it."""

    value: str = field(repr=False)

    @property
    def ref(self) -> str:
        """Whose session it says to be; true only after auth_api has said so."""
        return self.value.partition(".")[0]

    @classmethod
    def parse(cls, text: str | None) -> "SessionToken | None":
        """Return the token, or None when `text` has not exactly its grammar."""
        return cls(text) if text and SESSION_TOKEN.fullmatch(text) else None
