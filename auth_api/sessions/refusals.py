"""What a server answers that is not the primary, or cannot be it now, before it does anything."""

from typing import Any

from redis.exceptions import RedisError

_CODES = frozenset(("READONLY", "MASTERDOWN", "LOADING", "NOREPLICAS", "CLUSTERDOWN"))


def is_refusal(answer: Any) -> bool:
    """Whether `answer` says that nothing was done here: the command may be sent again, elsewhere."""
    if not isinstance(answer, RedisError):
        return False
    # redis-py takes the code off the text where it knows the code.
    return (answer.status_code or str(answer).partition(" ")[0]) in _CODES
