"""The text of recovery codes: 120 random bits as six groups of four characters (Crockford's base32)."""

import re
import secrets

HOW_MANY = 10
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH, _GROUP = 24, 4  # characters
_READ_AS = str.maketrans("OIL", "011")
_IGNORED = re.compile(r"[\s-]")


def new_code() -> str:
    """Return a random code without its hyphens."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def shown_code(code: str) -> str:
    """Return a code as people get it: ABCD-EFGH-..."""
    return "-".join(code[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))


def typed_code(text: str) -> str:
    """Return the code that `text` means, "" if it cannot be one."""
    code = _IGNORED.sub("", text).upper().translate(_READ_AS)
    return code if len(code) == _LENGTH and set(code) <= set(_ALPHABET) else ""
