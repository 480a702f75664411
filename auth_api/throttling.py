"""How often a password may be tried."""

from hashlib import sha256

from django_redis import get_redis_connection
from redis.exceptions import RedisError

from auth_api.errors import Throttled
from auth_api.sessions.exceptions import SessionStoreUnavailable

# Free tries from one address at one account, then a delay that doubles: 30 s, 60 s, ... 15 minutes.
FREE_TRIES = 10
FIRST_DELAY = 30  # seconds
LONGEST_DELAY = 900  # seconds
# All addresses together, at one account: SP 800-63B-4, 3.2.2 asks for at most 100.
ACCOUNT_TRIES = 100
MEMORY = 86400  # seconds after which failures are forgotten

_HIT = """
local now = tonumber(redis.call('TIME')[1])
local wait = 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'until') or 0) - now)
end
if wait > 0 then return wait end
for position, key in ipairs(KEYS) do
  local over = redis.call('HINCRBY', key, 'tries', 1) - tonumber(ARGV[position])
  if over >= 0 then
    local delay = math.min(tonumber(ARGV[3]) * 2 ^ math.min(over, 20), tonumber(ARGV[4]))
    redis.call('HSET', key, 'until', now + delay)
  end
  redis.call('EXPIRE', key, ARGV[5])
end
return 0
"""


class LoginThrottle:
    """Counts tries at `account` (a canonical address) from `address` (of the network).

    A stranger's failures slow the stranger down first: the owner, at another address, is held up
    only when all tries together pass ACCOUNT_TRIES.
    """

    def __init__(self, account: str, address: str) -> None:
        # Hashed: neither addresses nor names of accounts belong into keys and dumps.
        tag = sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        place = sha256(address.encode()).hexdigest()[:16]
        self._keys = (f"gh:throttle:{{{tag}}}:{place}", f"gh:throttle:{{{tag}}}")

    def hit(self) -> None:
        """Count a try before it is made, so that parallel tries count too. Raises Throttled."""
        limits = (FREE_TRIES, ACCOUNT_TRIES, FIRST_DELAY, LONGEST_DELAY, MEMORY)
        try:
            connection = get_redis_connection("sessions")
            wait = connection.eval(_HIT, len(self._keys), *self._keys, *limits)
        except (RedisError, OSError) as error:
            raise SessionStoreUnavailable(type(error).__name__) from error
        if wait:
            raise Throttled(int(wait))

    def clear(self) -> None:
        """Forget the failures after a success."""
        try:
            get_redis_connection("sessions").unlink(*self._keys)
        except (RedisError, OSError) as error:
            raise SessionStoreUnavailable(type(error).__name__) from error
