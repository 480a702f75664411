"""Writes .env.example and the table of docs/reference/configuration.md. Started by script/variables."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gatehouse.variables import AUTH_API, BOTH, FRONTEND_SITE, TABLE, Variable  # noqa: E402

EXAMPLE = ROOT / ".env.example"
PAGE = ROOT / "docs" / "reference" / "configuration.md"
START, END = "<!-- variables: start -->", "<!-- variables: end -->"
_HEAD = """\
# Every environment variable. script/variables writes this file. Development needs none of them.
# Lists of keys are `<id>:<secret of 32 or more characters>`, newest first: the first signs, all verify.
# Durations take s, m, h or d (90s, 30m); sizes take KiB, MiB or GiB (64MiB).
"""
_TITLES = {BOTH: "both services", FRONTEND_SITE: "frontend_site", AUTH_API: "auth_api"}


def example() -> str:
    """Return the text of .env.example."""
    blocks = [_HEAD]
    for reader, title in _TITLES.items():
        blocks.append(f"\n# -- read by {title} --\n")
        blocks += [_entry(variable) for variable in TABLE if variable.reader == reader]
    return "".join(blocks)


def _entry(variable: Variable[object]) -> str:
    need = " Required." if variable.required else ""
    comment = f"# {_sentence(variable)}{need}"
    return f"{comment}\n{variable.name}={variable.default}\n"


def _sentence(variable: Variable[object]) -> str:
    return variable.purpose[0].upper() + variable.purpose[1:] + "."


def table() -> str:
    """Return the table of docs/reference/configuration.md."""
    lines = ["| variable | read by | value | default |", "| --- | --- | --- | --- |"]
    for variable in TABLE:
        default = (
            "required" if variable.required else f"`{variable.default}`" * bool(variable.default)
        )
        purpose = _sentence(variable).replace("|", "\\|")
        kind = variable.kind.words[0].upper() + variable.kind.words[1:]
        lines.append(f"| `{variable.name}` | {variable.reader} | {purpose} {kind} | {default} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """Return `text`, docs/reference/configuration.md, with the table of today."""
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    return f"{head}{START}\n{table()}\n{END}{tail}"


def main() -> None:
    EXAMPLE.write_text(example())
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
