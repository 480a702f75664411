"""One event is one line, for machines and for people."""

from typing import Any

import pytest

from gatehouse.logging import one_line

INJECTED = 'a\r\n{"level":"x"}\x1b[2J\u2028\x85'


def test_the_line_for_people_is_one_line_too() -> None:
    event: dict[str, Any] = {"timestamp": "now", "level": "info", "event": INJECTED, "x": INJECTED}
    line = one_line(None, "", event)
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_a_traceback_is_readable_for_people() -> None:
    event = {"timestamp": "now", "event": "x.failed", "exception": "Traceback:\n  File\x1b[2J"}
    assert one_line(None, "", event).splitlines()[1:] == ["    Traceback:", "      File\\x1b[2J"]


@pytest.mark.parametrize(
    "character", ["\x1b", "\r", "\n", "\u2028", "\u2029", "\x85", "\x7f", "\x00"]
)
def test_a_terminal_obeys_nothing_that_a_client_sent(character: str) -> None:
    event: dict[str, Any] = {"timestamp": "now", "event": f"a{character}b"}
    assert character not in one_line(None, "", event)
