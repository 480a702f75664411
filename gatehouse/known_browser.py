"""The cookie of a browser in which somebody has signed in to an account before.

It grants no access: a sign-in that presents it waits in a shorter queue, also while
strangers try passwords (docs/decisions/0011-known-browsers.md).

`<day>.<tag>.<MAC>`: the day from which it is void (days since 1970), the account's tag (a keyed hash of
its address, so it names nobody without our key), and a MAC over both. It has no random part: all
browsers that sign in to an account on one day get the same value, so it cannot tell them apart.
"""

import hmac
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

from .keys import Key

LIFETIME_DAYS = 90  # from the last sign-in
_DAY = 86400  # seconds
_GRAMMAR = re.compile(r"([0-9]{1,6})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})", re.ASCII)


def mint_known_browser(account: str, key: Key) -> str:
    """Return the cookie's value for `account` (the key of its address)."""
    text = f"{int(time.time()) // _DAY + LIFETIME_DAYS}.{_tag(key, account)}"
    return f"{text}.{_mac(key, text)}"


def known_account_tag(value: str, keys: Sequence[Key]) -> str:
    """Return the tag of the account in a cookie that one of `keys` signed; "" for anything else."""
    match = _GRAMMAR.fullmatch(value)
    if match is None:
        return ""
    day, tag, mac = match.groups()
    days_left = int(day) - int(time.time()) // _DAY
    genuine = any([hmac.compare_digest(mac, _mac(key, f"{day}.{tag}")) for key in keys])
    return tag if genuine and 0 < days_left <= LIFETIME_DAYS else ""


def is_known_browser(value: str, account: str, keys: Sequence[Key]) -> bool:
    """Whether `value` is the cookie of a browser that has signed in to `account` before."""
    tag = known_account_tag(value, keys)
    return bool(tag) and any([hmac.compare_digest(tag, _tag(key, account)) for key in keys])


def _tag(key: Key, account: str) -> str:
    return _digest(key, b"gatehouse known browser, account\0" + account.encode())


def _mac(key: Key, text: str) -> str:
    return _digest(key, b"gatehouse known browser, cookie\0" + text.encode())


def _digest(key: Key, message: bytes) -> str:
    """128 bits: a forgery gains nothing but a place in a queue."""
    return urlsafe_b64encode(hmac.digest(key.secret, message, sha256)[:16]).rstrip(b"=").decode()
