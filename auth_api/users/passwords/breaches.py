"""Rejects breached passwords, with a Pwned Passwords range service.

Only the first 5 hexadecimal digits of the password's SHA-1 leave this machine (k-anonymity), and
`Add-Padding` hides from the wire how many answers there were. Off unless GATEHOUSE_PWNED_PASSWORDS_URL
names a service, since it calls out.
"""

import time
from hashlib import sha1
from typing import Any

import requests
import structlog
from django.core.exceptions import ValidationError
from urllib3.exceptions import HTTPError

from auth_api.options import options

from .normalization import normalized

TIMEOUT = 1.5  # seconds: to connect, and for one silence
PATIENCE = 3.0  # seconds for the whole body, however it trickles
ANSWER_LIMIT = 256 * 1024  # bytes; a padded range has about 40 KiB

_log = structlog.get_logger("auth_api.users")


class BreachedPasswords:
    """A password validator. It fails open: a service that is away keeps nobody from a new password."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError when `password` is in the service's list (ASVS 6.2.12)."""
        if not options().pwned_passwords_url:
            return
        # The service's key, not a security use: the hash is neither stored nor compared as a secret.
        digest = sha1(normalized(password).encode(), usedforsecurity=False).hexdigest().upper()
        try:
            known = _suffixes(digest[:5])
        except (
            requests.RequestException,
            HTTPError,
            ValueError,
        ) as error:  # HTTPError: in the body
            _log.warning("breach_check.failed", reason=type(error).__name__)
            return
        if digest[5:] in known:
            message = "This password was exposed in a data breach. Choose another one, and change it wherever you use it."
            raise ValidationError(message, code="breached")

    def get_help_text(self) -> str:
        return "Do not use a password that was exposed in a data breach."


def _suffixes(prefix: str) -> set[str]:
    """Return the rest of every known hash that starts with `prefix`; padding has a count of 0."""
    with requests.Session() as session:
        session.trust_env = False  # no .netrc, no proxy from the environment
        answer = session.get(
            f"{options().pwned_passwords_url}/range/{prefix}",
            headers={"Add-Padding": "true", "User-Agent": "Gatehouse"},
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        )
        if answer.status_code != 200:
            raise ValueError(f"status {answer.status_code}")
        text = _body(answer.raw, time.monotonic() + PATIENCE)
    pairs = (line.partition(":") for line in text.decode("ascii").splitlines())
    return {suffix for suffix, _, count in pairs if count.strip() not in ("", "0")}


def _body(raw: Any, deadline: float) -> bytes:
    """Raises ValueError for one that is too long or takes too long."""
    text = b""
    while piece := raw.read1(8192, decode_content=True):
        text += piece
        if len(text) > ANSWER_LIMIT or time.monotonic() > deadline:
            raise ValueError("too long")
    return text
