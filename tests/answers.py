"""The last answers that a test got, for the report when it fails: `401 == 200` does not say why.

The helpers that send requests keep them here. Most answers are never in a variable, so nothing could
find them in a failing test's frame.
"""

from collections import deque

_MOST = 5
_LONGEST = 2000  # bytes of one body

_kept: deque[str] = deque(maxlen=_MOST)


def keep(method: str, path: str, status: int, body: bytes) -> None:
    """Keep one answer. `body`: b"" for one that is still on its way."""
    text = body[:_LONGEST].decode(errors="replace")
    more = f"... {len(body)} bytes in all" if len(body) > _LONGEST else ""
    _kept.append(f"{method} {path} -> {status}\n{text}{more}")


def take() -> str:
    """Return what was kept, the oldest first, and forget it."""
    text = "\n\n".join(_kept)
    _kept.clear()
    return text
