"""The table of docs/reference/faults.md."""

from collections import Counter
from collections.abc import Sequence

from .known import Kind
from .run import Row

_HEAD = (
    "fault", "requests", "wrong", "lost", "revived", "in the documented window", "ghosts",
    "503", "no answer", "longest gap, s", "of a check, s", "recovery, s",
)  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """Return one table for each system, in the order of the run."""
    parts = [_total(rows)]
    for where in dict.fromkeys(row.where for row in rows):
        lines = [_line((where, *_HEAD[1:])), _line(["---"] * len(_HEAD))]
        lines += [_line(_cells(row)) for row in rows if row.where == where]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _total(rows: Sequence[Row]) -> str:
    requests = sum(row.requests for row in rows)
    counts = {kind: sum(row.count(kind) for row in rows) for kind in Kind}
    found = ", ".join(f"{kind.value} {count}" for kind, count in counts.items())
    return f"{len(rows)} faults, {requests:,} requests: {found}."


def _cells(row: Row) -> list[str]:
    return [
        row.fault, f"{row.requests:,}", *(str(row.count(kind)) for kind in Kind),
        str(len(row.in_window)), str(sum(row.ghosts.values())),
        str(row.unavailable), str(row.broken), f"{row.longest_gap:.1f}",
        f"{row.longest_blind:.1f}", f"{row.recovery:.1f}",
    ]  # fmt: skip


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def details(row: Row) -> str:
    """Return a line about a row, and what stands behind its figures."""
    cells = _cells(row)
    lines = [", ".join(f"{name} {cell}" for name, cell in zip(_HEAD[1:], cells[1:], strict=True))]
    texts = Counter(f"{finding.kind.value}: {finding.text}" for finding in row.counted)
    lines += [f"    {count} x {text}" for text, count in texts.most_common(12)]
    lines += [f"    {count} x ghost: {what}" for what, count in row.ghosts.items()]
    return "\n".join(lines)
