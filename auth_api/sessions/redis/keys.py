"""Names the keys of the engine: all of a user's are in one slot, that of the ref (docs/explanation/sessions.md)."""


def record_key(ref: str, id_hash: str) -> str:
    """Return the key of one session's record."""
    return f"gh:{{{ref}}}:s:{id_hash}"


def pending_key(ref: str, id_hash: str) -> str:
    """Return the key of a sign-in that waits for a second factor: of another kind than a session's."""
    return f"gh:{{{ref}}}:p:{id_hash}"


def snapshot_key(ref: str) -> str:
    """Return the key of a user's snapshot, or of the fence in its place."""
    return f"gh:{{{ref}}}:card"


def index_key(ref: str) -> str:
    """Return the key of the sorted set of a user's sessions, by the time at which they end."""
    return f"gh:{{{ref}}}:index"


def mark_key(ref: str) -> str:
    """Return the key that is written after a command, so that WAIT has a write to wait for."""
    return f"gh:{{{ref}}}:mark"
