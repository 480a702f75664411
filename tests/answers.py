"""Keeps the last answers that a test got, to show them if it fails: `401 == 200` does not say why.

The helpers that send requests store them here. Most answers are never assigned to a variable, so
they do not appear in the frame of a failing test.
"""

from collections import deque

_MOST = 5
_LONGEST = 2000  # bytes of one body

_kept: deque[str] = deque(maxlen=_MOST)


def keep(method: str, path: str, status: int, body: bytes) -> None:
    """Keep one answer. `body`: b"" for one that is still streaming."""
    text = body[:_LONGEST].decode(errors="replace")
    more = f"... {len(body)} bytes in all" if len(body) > _LONGEST else ""
    _kept.append(f"{method} {path} -> {status}\n{text}{more}")


def take() -> str:
    """Return and forget the kept answers, oldest first."""
    text = "\n\n".join(_kept)
    _kept.clear()
    return text
