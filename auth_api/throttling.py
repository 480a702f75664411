"""Limits how often passwords may be tried or chosen, and mails may be requested.

Each purpose has its own counters, so that strangers who exhaust one leave the others intact.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from hashlib import sha256
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from auth_api.errors import FactorUnreadable, Overloaded, Throttled
from auth_api.metrics import THROTTLED
from auth_api.network import networks_of
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.connections import ask, ask_each
from auth_api.sessions.redis.held import OUTAGE

# A key is missing, the worker is full or its deadline has passed, or Redis or the database does not answer.
NOT_JUDGED = (
    Overloaded, FactorUnreadable, SessionStoreUnavailable, OperationalError, InterfaceError,
)  # fmt: skip

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
# What the /64, the /56 and the /48 of an IPv6 client may do, in multiples of these limits: whoever holds a /48
# gets four times what one client gets, not 65,536 times. Customers of one provider may share a /48.
SHARES = (1, 2, 4)

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
# KEYS counters | ARGV window, limit of each counter
# Returns the seconds to wait, 0 if this was counted. Who must wait counts nowhere, as above.
_COUNT = """
for position, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) >= tonumber(ARGV[1 + position]) then
    return math.max(1, redis.call('TTL', key))
  end
end
for _, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('EXPIRE', key, ARGV[1]) end
end
return 0
"""

_UNCOUNT = """
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) > 0 then redis.call('DECR', key) end
end
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
        self._tries = f"gh:throttle:{{{tag}}}:tries"
        self._failures = f"gh:throttle:{{{tag}}}:failures"
        self._guessable = guessable
        self._receipt: list[bytes] = []

    @property
    def keys(self) -> tuple[str, str]:
        """Return the keys of its two counters: of tries, and of failures."""
        return self._tries, self._failures

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
        _count({self._failures: CODE_TRIES}, CODE_MEMORY)

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
        networks = networks_of(address)
        tag = _hidden(f"verification {account}" if verification else account, 32)
        clients = (f"device {device}",) if device else networks
        together = f"gh:throttle:{{{tag}}}:devices" if device else f"gh:throttle:{{{tag}}}"
        self._tries = {
            **_limits(
                [f"gh:throttle:{{{tag}}}:{_hidden(each, 16)}" for each in clients], FREE_TRIES
            ),
            **({together: ACCOUNT_TRIES} if account else {}),
        }
        self._failures = {} if device else _failures(networks)
        self._receipt: list[bytes] = []  # of the last hit

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of the counters at this account."""
        return tuple(self._tries)

    def hit(self) -> None:
        """Count a try before it is made, so that parallel tries count too. Raises Throttled."""
        limits = (FIRST_DELAY, LONGEST_DELAY, MEMORY, *self._tries.values())
        try:
            wait = self._address_wait()
            # A client that must wait counts nowhere: else it locks others out for nothing.
            if not wait:
                wait, *self._receipt = ask("EVAL", _HIT, len(self._tries), *self._tries, *limits)
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
            _undo(_GIVE_BACK, *self._tries, receipt=receipt)

    def fail(self) -> None:
        """Count a failure of the client, at whatever account."""
        if self._failures:
            _count(self._failures, ADDRESS_WINDOW)

    def clear(self) -> None:
        """Forget the failures at this account after a success; the client's others stay."""
        try:
            ask("UNLINK", *self._tries)
        except OUTAGE as error:
            raise SessionStoreUnavailable(type(error).__name__) from error

    def _address_wait(self) -> int:
        if not self._failures:
            return 0
        counts = ask("MGET", *self._failures)
        limits = self._failures.items()
        full = [key for (key, limit), n in zip(limits, counts, strict=True) if int(n or 0) >= limit]
        return max(1, int(ask("TTL", full[-1]))) if full else 0


def count_new_password(*choosers: str) -> None:
    """Count a new password of `choosers` (an account, or networks from narrow to wide) before it is evaluated.

    Raises Throttled, SessionStoreUnavailable.
    """
    if wait := _count(_choices(choosers), NEW_PASSWORDS_WINDOW):
        THROTTLED.labels("new passwords").inc()
        raise Throttled(wait)


def give_new_password_back(*choosers: str) -> None:
    """Forget one new password that was counted and that nothing was computed for."""
    _undo(_UNCOUNT, *_choices(choosers))


def mail_wait(client: str, purpose: Purpose) -> int:
    """Count a wish of `client` (a network address) for a mail; return the seconds to wait, 0 for none."""
    wait = _count(_wishes(client, purpose), MAIL_WINDOW)
    if wait:
        THROTTLED.labels("mails of a client").inc()
    return wait


def give_mail_back(client: str, purpose: Purpose) -> None:
    """Forget one wish of `client` that `mail_wait` counted and that could not be stored."""
    _undo(_UNCOUNT, *_wishes(client, purpose))


def may_be_mailed(account: str, purpose: Purpose, *, window: int = MAIL_WINDOW) -> bool:
    """Count a mail that a stranger requests for `account` (its key); return False above the limit.

    Call it only if there is a mail to send: a mail that is not sent must not count. `window` is in
    seconds.
    """
    if not _count({_mail_key(account, purpose): ADDRESS_MAILS}, window):
        return True
    THROTTLED.labels("mails to an address").inc()
    return False


def account_counters(
    account: str, user_id: str, addresses: Iterable[str], devices: Iterable[str]
) -> set[str]:
    """Return the keys of every counter of an account, for `forget_counters`.

    `account` is the key of its address; `addresses` and `devices` made tries at it.
    """
    keys = {_mail_key(account, purpose) for purpose in Purpose}
    for chooser in ("account", "change of", "reset of"):
        keys |= {*_choices((f"{chooser} {user_id}",))}
    for verification in (False, True):
        tries = [LoginThrottle(account, a, verification=verification) for a in ("", *addresses)]
        tries += [LoginThrottle(account, "", device=d, verification=verification) for d in devices]
        keys |= {key for throttle in tries for key in throttle.keys}
    return keys | {*CodeThrottle(user_id, guessable=True).keys}


def forget_client(address: str) -> int:
    """Clear the counters of a network address at all accounts, and of its mails and new passwords.

    Those of the wider networks that it is in are cleared, too. Return how many there were. Raises
    SessionStoreUnavailable.
    """
    networks = networks_of(address)
    wishes = {key for purpose in Purpose for key in _wishes(address, purpose)}
    return forget_counters({*_failures(networks), *_choices(networks), *wishes})


def forget_counters(keys: Collection[str]) -> int:
    """Clear counters in one go; return how many there were. Raises SessionStoreUnavailable."""
    return sum(map(int, ask_counters([("UNLINK", key) for key in keys])))


def ask_counters(commands: Sequence[tuple[str, ...]]) -> list[Any]:
    """Send commands in one go; the second word of each is the key. Raises SessionStoreUnavailable."""
    if not commands:
        return []
    try:
        answers = ask_each([key for _, key, *_ in commands], commands, durable=False)
        # What failed alone (a moved slot, say) is asked again.
        pairs = zip(answers, commands, strict=True)
        return [ask(*each) if isinstance(answer, Exception) else answer for answer, each in pairs]
    except OUTAGE as error:
        raise SessionStoreUnavailable(type(error).__name__) from error


def _mail_key(account: str, purpose: Purpose) -> str:
    return f"gh:throttle:{{{_hidden(f'{purpose} mail to {account}', 32)}}}"


def _failures(networks: Sequence[str]) -> dict[str, int]:
    return _counters("failures", networks, ADDRESS_FAILURES)


def _choices(choosers: Sequence[str]) -> dict[str, int]:
    return _counters("new password", choosers, NEW_PASSWORDS)


def _wishes(client: str, purpose: Purpose) -> dict[str, int]:
    return _counters(f"{purpose} mail", networks_of(client), CLIENT_MAILS)


def _counters(what: str, clients: Sequence[str], limit: int) -> dict[str, int]:
    """Return the counters of `what` for `clients`, from narrow to wide, and the limit of each.

    They are in the slot of the widest, so that one round trip counts all of them.
    """
    tag = _hidden(f"{what} of {clients[-1]}", 32)
    return _limits([f"gh:throttle:{{{tag}}}:{_hidden(each, 16)}" for each in clients], limit)


def _limits(keys: Sequence[str], limit: int) -> dict[str, int]:
    return {key: limit * share for key, share in zip(keys, SHARES, strict=False)}


def _count(counters: Mapping[str, int], window: int) -> int:
    """Add one to `counters` of one slot, which live `window` seconds; return the seconds to wait, 0 for none.

    Nothing is counted if one of them has reached its limit. Raises SessionStoreUnavailable.
    """
    try:
        return int(ask("EVAL", _COUNT, len(counters), *counters, window, *counters.values()))
    except OUTAGE as error:
        raise SessionStoreUnavailable(type(error).__name__) from error


def _undo(script: str, *keys: str, receipt: Sequence[bytes] = ()) -> None:
    """Undo a count. Without Redis it stays counted: the caller has an answer to give."""
    try:
        ask("EVAL", script, len(keys), *keys, *receipt)
    except OUTAGE as error:
        _log.warning("throttle.not_given_back", cause=type(error).__name__)


def _hidden(text: str, length: int) -> str:
    """Neither addresses nor names of accounts belong into keys and dumps."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
