"""Recognizes errors of a server that is not the primary or cannot act as one."""

from redis.exceptions import RedisError

CODES = frozenset(("READONLY", "MASTERDOWN", "LOADING", "NOREPLICAS", "CLUSTERDOWN"))


def is_refusal(error: RedisError) -> bool:
    """Whether `error` means that nothing was done, so that the command may be sent elsewhere."""
    # redis-py strips the codes that it knows from the text.
    return (error.status_code or str(error).partition(" ")[0]) in CODES
