"""Limits how often passwords may be tried or chosen, and mails may be requested.

Each purpose has its own counters, so that strangers who exhaust one leave the others intact.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from hashlib import sha256

import structlog
from django.db import InterfaceError, OperationalError

from auth_api.errors import Overloaded, Throttled
from auth_api.metrics import THROTTLED
from auth_api.network import network_of
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.connections import ask
from auth_api.sessions.redis.held import OUTAGE

# The worker is full or its deadline has passed, or Redis or the database does not answer.
NOT_JUDGED = (Overloaded, SessionStoreUnavailable, OperationalError, InterfaceError)

# Free tries from one address at one account, then a delay that doubles: 30 s, 60 s, ... 15 minutes.
FREE_TRIES = 10
FIRST_DELAY = 30  # seconds
LONGEST_DELAY = 900  # seconds
# All addresses together, at one account: SP 800-63B-4, 3.2.2 asks for at most 100.
ACCOUNT_TRIES = 100
MEMORY = 86400  # seconds after which failures are forgotten
# One address at all accounts: stuffing, and whoever keeps the hashing slots busy.
ADDRESS_FAILURES = 100
ADDRESS_WINDOW = 600  # seconds
# Codes of second factors at one account, over all doors: the same delays after as many free tries, and none
# at all after CODE_TRIES failures in a row (SP 800-63B-4, 3.2.2): then only a recovery code, which cannot be
# guessed, signs in and clears them.
CODE_TRIES = 100
CODE_MEMORY = 366 * 86400  # seconds
# New passwords from one network (registration) or for one account: each costs a strength estimate.
NEW_PASSWORDS = 30
NEW_PASSWORDS_WINDOW = 600  # seconds
# Mails that strangers request, for each purpose: to one address, and by one client.
ADDRESS_MAILS = 3
CLIENT_MAILS = 20
MAIL_WINDOW = 3600  # seconds

# KEYS counters | ARGV first delay, longest delay, memory, limit of each counter
# returns {seconds to wait} | {0, for each counter: its birth, until when this try makes others wait}
_HIT = """
local time = redis.call('TIME')
local now = tonumber(time[1])
local wait = 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'until') or 0) - now)
end
if wait > 0 then return {wait} end
local receipt = {0}
for position, key in ipairs(KEYS) do
  redis.call('HSETNX', key, 'born', time[1] .. '.' .. time[2])
  local until_then = ''
  local over = redis.call('HINCRBY', key, 'tries', 1) - tonumber(ARGV[3 + position])
  if over >= 0 then
    local delay = math.min(tonumber(ARGV[1]) * 2 ^ math.min(over, 20), tonumber(ARGV[2]))
    until_then = string.format('%.0f', now + delay)
    redis.call('HSET', key, 'until', until_then)
  end
  redis.call('EXPIRE', key, ARGV[3])
  receipt[#receipt + 1] = redis.call('HGET', key, 'born')
  receipt[#receipt + 1] = until_then
end
return receipt
"""
# KEYS counters | ARGV the receipt of a hit. Undoes that hit alone: not in a counter that was cleared
# since, and not a delay that another try caused.
_GIVE_BACK = """
for position, key in ipairs(KEYS) do
  local born, until_then = ARGV[2 * position - 1], ARGV[2 * position]
  if redis.call('HGET', key, 'born') == born then
    redis.call('HINCRBY', key, 'tries', -1)
    if until_then ~= '' and redis.call('HGET', key, 'until') == until_then then
      redis.call('HDEL', key, 'until')
    end
  end
end
"""
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('TTL', KEYS[1])}
"""

_UNCOUNT = """
if tonumber(redis.call('GET', KEYS[1]) or 0) > 0 then redis.call('DECR', KEYS[1]) end
"""
_log = structlog.get_logger("auth_api.throttling")


class Purpose(StrEnum):
    """The purpose of a requested mail."""

    VERIFICATION = "verification"
    RESEND = "resend"
    NOTICE = "notice"  # to the owner of an address that is registered again
    RESET = "reset"
    ADDRESS_CHANGE = "address change"
    CODE_REFUSED = "code refused"  # right password, wrong code


class CodeThrottle:
    """Counts the codes that are tried at one account, apart from its password's.

    The right password does not clear it; only a whole sign-in does. `guessable` is False for recovery
    codes, which are delayed as the others but never shut out.
    """

    def __init__(self, user_id: str, *, guessable: bool) -> None:
        tag = _hidden(f"codes of {user_id}", 32)
        self._tries, self._failures = (
            f"gh:throttle:{{{tag}}}:tries",
            f"gh:throttle:{{{tag}}}:failures",
        )
        self._guessable = guessable
        self._receipt: list[bytes] = []

    def hit(self) -> None:
        """Count a try before it is judged, so that parallel tries count too. Raises Throttled."""
        limits = (FIRST_DELAY, LONGEST_DELAY, MEMORY, FREE_TRIES)
        try:
            failed = int(ask("GET", self._failures) or 0) if self._guessable else 0
            if failed >= CODE_TRIES:
                wait = MEMORY
            else:
                wait, *self._receipt = ask("EVAL", _HIT, 1, self._tries, *limits)
        except OUTAGE as error:
            raise SessionStoreUnavailable(type(error).__name__) from error
        if wait:
            THROTTLED.labels("codes").inc()
            raise Throttled(int(wait))

    def fail(self) -> None:
        """Count a wrong code. Raises SessionStoreUnavailable."""
        _count(self._failures, CODE_MEMORY)

    def give_back(self) -> None:
        """Forget the last try, which nobody judged."""
        receipt, self._receipt = self._receipt, []
        if receipt:
            _undo(_GIVE_BACK, self._tries, receipt=receipt)

    def clear(self) -> None:
        """Forget the failures after a whole sign-in."""
        try:
            ask("UNLINK", self._tries, self._failures)
        except OUTAGE as error:
            raise SessionStoreUnavailable(type(error).__name__) from error


class LoginThrottle:
    """Counts tries at `account` (the key of an address, "" for none) from `address` (a client's).

    Tries with the link of a registration (`verification`) are counted separately from sign-ins.

    A stranger's failures slow the stranger down first: the owner, at another address, is held up
    only when all tries together pass ACCOUNT_TRIES. Where the owner has signed in before (`device`
    names its session) the strangers' tries do not count at all: there are counters apart for it.
    """

    def __init__(
        self, account: str, address: str, *, device: str = "", verification: bool = False
    ) -> None:
        network = network_of(address)
        tag = _hidden(f"verification {account}" if verification else account, 32)
        client = _hidden(f"device {device}" if device else network, 16)
        together = f"gh:throttle:{{{tag}}}:devices" if device else f"gh:throttle:{{{tag}}}"
        self._keys = (f"gh:throttle:{{{tag}}}:{client}", *((together,) if account else ()))
        self._address = "" if device else f"gh:throttle:{{{_hidden(network, 16)}}}"
        self._receipt: list[bytes] = []  # of the last hit

    def hit(self) -> None:
        """Count a try before it is made, so that parallel tries count too. Raises Throttled."""
        limits = (FIRST_DELAY, LONGEST_DELAY, MEMORY, FREE_TRIES, ACCOUNT_TRIES)
        try:
            wait = self._address_wait()
            # A client that must wait counts nowhere: else it locks others out for nothing.
            if not wait:
                wait, *self._receipt = ask("EVAL", _HIT, len(self._keys), *self._keys, *limits)
        except OUTAGE as error:
            raise SessionStoreUnavailable(type(error).__name__) from error
        if wait:
            THROTTLED.labels("tries").inc()
            raise Throttled(int(wait))

    @contextmanager
    def given_back_if_unjudged(self) -> Iterator[None]:
        """Take the try back when the block fails before the password was compared.

        In the block, errors of Redis, of the database and of hashing must come from before the comparison:
        a try that was judged and given back would be a free guess.
        """
        try:
            yield
        except NOT_JUDGED:
            self._give_back()
            raise

    def _give_back(self) -> None:
        receipt, self._receipt = self._receipt, []
        if receipt:
            _undo(_GIVE_BACK, *self._keys, receipt=receipt)

    def fail(self) -> None:
        """Count a failure of the client, at whatever account."""
        if not self._address:
            return
        _count(self._address, ADDRESS_WINDOW)

    def clear(self) -> None:
        """Forget the failures at this account after a success; the client's others stay."""
        try:
            ask("UNLINK", *self._keys)
        except OUTAGE as error:
            raise SessionStoreUnavailable(type(error).__name__) from error

    def _address_wait(self) -> int:
        failures = int(ask("GET", self._address) or 0) if self._address else 0
        if failures < ADDRESS_FAILURES:
            return 0
        return max(1, int(ask("TTL", self._address)))


def count_new_password(chooser: str) -> None:
    """Count a new password from `chooser` (a network or an account) before it is evaluated.

    Raises Throttled, SessionStoreUnavailable.
    """
    count, left = _count(_choice_key(chooser), NEW_PASSWORDS_WINDOW)
    if count > NEW_PASSWORDS:
        THROTTLED.labels("new passwords").inc()
        raise Throttled(max(1, left))


def give_new_password_back(chooser: str) -> None:
    """Forget one new password that was counted and that nothing was computed for."""
    _give_back(_choice_key(chooser))


def mail_wait(client: str, purpose: Purpose) -> int:
    """Count a wish of `client` (a network address) for a mail; return the seconds to wait, 0 for none."""
    count, left = _count(_wish_key(client, purpose), MAIL_WINDOW)
    if count <= CLIENT_MAILS:
        return 0
    THROTTLED.labels("mails of a client").inc()
    return max(1, left)


def give_mail_back(client: str, purpose: Purpose) -> None:
    """Forget one wish of `client` that `mail_wait` counted and that could not be stored."""
    _give_back(_wish_key(client, purpose))


def may_be_mailed(account: str, purpose: Purpose, *, window: int = MAIL_WINDOW) -> bool:
    """Count a mail that a stranger requests for `account` (its key); return False above the limit.

    Call it only if there is a mail to send: a mail that is not sent must not count. `window` is in
    seconds.
    """
    key = f"gh:throttle:{{{_hidden(f'{purpose} mail to {account}', 32)}}}"
    if _count(key, window)[0] <= ADDRESS_MAILS:
        return True
    THROTTLED.labels("mails to an address").inc()
    return False


def _choice_key(chooser: str) -> str:
    return f"gh:throttle:{{{_hidden(f'new password of {chooser}', 32)}}}"


def _wish_key(client: str, purpose: Purpose) -> str:
    return f"gh:throttle:{{{_hidden(f'{purpose} mail from {network_of(client)}', 32)}}}"


def _count(key: str, window: int) -> tuple[int, int]:
    """Add one to a counter that lives `window` seconds; return it, and the seconds it has left."""
    try:
        count, left = ask("EVAL", _COUNT, 1, key, window)
    except OUTAGE as error:
        raise SessionStoreUnavailable(type(error).__name__) from error
    return int(count), int(left)


def _give_back(key: str) -> None:
    """Take one from a counter of `_count`."""
    _undo(_UNCOUNT, key)


def _undo(script: str, *keys: str, receipt: Sequence[bytes] = ()) -> None:
    """Undo a count. Without Redis it stays counted: the caller has an answer to give."""
    try:
        ask("EVAL", script, len(keys), *keys, *receipt)
    except OUTAGE as error:
        _log.warning("throttle.not_given_back", cause=type(error).__name__)


def _hidden(text: str, length: int) -> str:
    """Neither addresses nor names of accounts belong into keys and dumps."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
