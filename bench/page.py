"""Blocks of docs/reference/benchmarks.md that scripts write."""

from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"


def write_block(name: str, text: str) -> None:
    """Replace what stands between the marks `name: start` and `name: end`. Raises ValueError without them."""
    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    page = PAGE.read_text()
    if start not in page or end not in page:
        raise ValueError(f"docs/reference/benchmarks.md has no block {name}")
    head, _, rest = page.partition(start)
    _, _, tail = rest.partition(end)
    PAGE.write_text(f"{head}{start}\n\n{text}\n\n{end}{tail}")
