"""What the threads of one worker are for. Knows nothing of Django: gunicorn's master reads it."""

# Threads that may wait for a hashing slot, beside those whose password is being hashed.
STRANGERS_WAITING = 12
KNOWN_WAITING = 4  # for browsers that have signed in to the account before


def threads_of_worker(*, calls: int, streams: int, hashing_slots: int) -> int:
    """Return how many threads a worker needs.

    Each event stream keeps one busy, and so does each sign-in that is hashed or waits for it. `calls`
    are left for everybody else, however many sign in. Threads are started only when they are needed.
    """
    return calls + streams + hashing_slots + STRANGERS_WAITING + KNOWN_WAITING
