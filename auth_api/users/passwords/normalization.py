"""Passwords in Unicode's form NFC: keyboards and systems send one character in several ways.

`é` is one code point from most keyboards and two from others, which looks the same to people but hashes differently
(SP 800-63B-4, 3.1.1.2). New hashes are of NFC (hashing.py); hashes from before are of what was typed.
"""

from collections.abc import Callable
from unicodedata import normalize

from django.contrib.auth.hashers import check_password

from auth_api.deadline import DeadlinePassed
from auth_api.errors import Overloaded, OverloadedAfterComparison


def normalized(password: str) -> str:
    """Return `password` in NFC. Check its length before: long runs of accents take long."""
    return normalize("NFC", password)


def matches(password: str, stored: str, upgrade: Callable[[str], object] | None = None) -> bool:
    """Whether `stored` is a hash of `password`, in NFC or, if that differs, as it was typed.

    `upgrade` stores a right password again, if its hash is of other parameters or of what was typed. How many
    hashes this takes depends on what was typed, never on the account. Raises Overloaded and DeadlinePassed before
    the first comparison, OverloadedAfterComparison after it.
    """
    normal = normalized(password)
    if check_password(normal, stored, setter=upgrade):
        return True
    if normal == password:
        return False
    try:
        is_right = check_password(password, stored)
    except (Overloaded, DeadlinePassed) as error:
        raise OverloadedAfterComparison from error
    if is_right and upgrade is not None:
        upgrade(normal)
    return is_right
