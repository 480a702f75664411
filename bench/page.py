"""Blocks of pages in docs/reference/ that scripts write."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"


def write_block(name: str, text: str, *, page: str = "benchmarks.md") -> None:
    """Replace what stands between the marks `name: start` and `name: end`. Raises ValueError without them."""
    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    path = FOLDER / page
    before = path.read_text()
    if start not in before or end not in before:
        raise ValueError(f"docs/reference/{page} has no block {name}")
    head, _, rest = before.partition(start)
    _, _, tail = rest.partition(end)
    path.write_text(f"{head}{start}\n\n{text}\n\n{end}{tail}")
