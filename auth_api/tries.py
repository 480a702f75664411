"""Counters in Redis: tries that delay the next ones, and plain counts in a window of time."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from auth_api.errors import FactorUnreadable, Overloaded
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.connections import ask, ask_each
from auth_api.sessions.redis.held import OUTAGE

# A key is missing, the worker is full or its deadline has passed, or Redis or the database does not answer.
NOT_JUDGED = (
    Overloaded, FactorUnreadable, SessionStoreUnavailable, OperationalError, InterfaceError,
)  # fmt: skip

# Free tries, then a delay that doubles: 30 s, 60 s, ... 15 minutes.
FREE_TRIES = 10
FIRST_DELAY = 30  # seconds
LONGEST_DELAY = 900  # seconds
MEMORY = 86400  # seconds after which failures are forgotten

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

# KEYS one of the slot | ARGV cursor, pattern. Returns the next cursor and what was found. A script, so that a
# cluster asks the node of that slot.
_SEARCH = "return redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 10000)"

_UNCOUNT = """
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) > 0 then redis.call('DECR', key) end
end
"""
_log = structlog.get_logger("auth_api.throttling")


class Tries:
    """Counters of one slot: a try counts in all of them, and waits if one of them asks it to.

    `limits`: the key of each, and how many tries are free.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self.limits = limits
        self._receipt: list[bytes] = []  # of the last hit

    def hit(self) -> int:
        """Count a try before it is made, so that parallel tries count too.

        Return the seconds to wait, 0 if it was counted. Raises SessionStoreUnavailable.
        """
        times = (FIRST_DELAY, LONGEST_DELAY, MEMORY)
        arguments = (len(self.limits), *self.limits, *times, *self.limits.values())
        wait, *self._receipt = asked("EVAL", _HIT, *arguments)
        return int(wait)

    def give_back(self) -> None:
        """Forget the last try, which nobody judged."""
        receipt, self._receipt = self._receipt, []
        if receipt:
            _undo(_GIVE_BACK, *self.limits, receipt=receipt)


def count(counters: Mapping[str, int], window: int) -> int:
    """Add one to `counters` of one slot, which live `window` seconds; return the seconds to wait, 0 for none.

    Nothing is counted if one of them has reached its limit. Raises SessionStoreUnavailable.
    """
    return int(asked("EVAL", _COUNT, len(counters), *counters, window, *counters.values()))


def uncount(counters: Mapping[str, int]) -> None:
    """Take one back from each of `counters`."""
    _undo(_UNCOUNT, *counters)


def forget(*keys: str) -> int:
    """Delete counters of one slot; return how many there were. Raises SessionStoreUnavailable."""
    return int(asked("UNLINK", *keys))


def forget_each(keys: Collection[str]) -> int:
    """Delete counters of any slots in one go; return how many there were. Raises SessionStoreUnavailable."""
    return sum(map(int, asked_each([("UNLINK", key) for key in keys])))


def counters_in(slot: str) -> set[str]:
    """Return the keys of all counters whose hash tag is `slot`, by looking at every key of its server.

    For commands only: the time grows with the number of keys. Raises SessionStoreUnavailable.
    """
    prefix, cursor, found = f"gh:throttle:{{{slot}}}", b"0", set[str]()
    while True:
        cursor, keys = asked("EVAL", _SEARCH, 1, prefix, cursor, f"{prefix}*")
        found.update(key.decode() for key in keys)
        if cursor == b"0":
            return found


def hidden(text: str, length: int) -> str:
    """Return a hash: neither addresses nor names of accounts belong in keys or dumps."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def asked(*command: Any) -> Any:
    """Return the answer to one command. Raises SessionStoreUnavailable."""
    try:
        return ask(*command)
    except OUTAGE as error:
        raise SessionStoreUnavailable(type(error).__name__) from error


def asked_each(commands: Sequence[tuple[str, ...]]) -> list[Any]:
    """Return the answers to commands that are sent in one go; the second word of each is its key.

    Raises SessionStoreUnavailable.
    """
    if not commands:
        return []
    try:
        answers = ask_each([key for _, key, *_ in commands], commands, durable=False)
        # What failed alone (a moved slot, say) is asked again.
        pairs = zip(answers, commands, strict=True)
        return [ask(*each) if isinstance(answer, Exception) else answer for answer, each in pairs]
    except OUTAGE as error:
        raise SessionStoreUnavailable(type(error).__name__) from error


def _undo(script: str, *keys: str, receipt: Sequence[bytes] = ()) -> None:
    """Undo a count. Without Redis it stays counted: the caller has an answer to give."""
    try:
        ask("EVAL", script, len(keys), *keys, *receipt)
    except OUTAGE as error:
        _log.warning("throttle.not_given_back", cause=type(error).__name__)
