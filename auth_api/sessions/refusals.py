"""What a server answers that is not the primary, or cannot be it now, before it does anything."""

from redis.exceptions import RedisError

_CODES = frozenset(("READONLY", "MASTERDOWN", "LOADING", "NOREPLICAS", "CLUSTERDOWN"))


def is_refusal(error: RedisError) -> bool:
    """Whether `error` says that nothing was done here: the command may be sent again, elsewhere."""
    # redis-py takes the code off the text where it knows the code.
    return (error.status_code or str(error).partition(" ")[0]) in _CODES
