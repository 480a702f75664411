"""One event is one line, for machines and for people."""

from typing import Any

import pytest

from gatehouse.logging import one_line, request_line

NOW = "2026-11-27T10:14:11.441357Z"
INJECTED = 'a\r\n{"level":"x"}\x1b[2J\u2028\x85'


def test_the_line_for_people_is_one_line_too() -> None:
    event: dict[str, Any] = {"timestamp": NOW, "level": "info", "event": INJECTED, "x": INJECTED}
    line = one_line(None, "", event)
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_a_traceback_is_readable_for_people() -> None:
    event = {"timestamp": NOW, "event": "x.failed", "exception": "Traceback:\n  File\x1b[2J"}
    assert one_line(None, "", event).splitlines()[1:] == ["    Traceback:", "      File\\x1b[2J"]


@pytest.mark.parametrize(
    "character", ["\x1b", "\r", "\n", "\u2028", "\u2029", "\x85", "\x7f", "\x00"]
)
def test_a_terminal_obeys_nothing_that_a_client_sent(character: str) -> None:
    event: dict[str, Any] = {"timestamp": NOW, "event": f"a{character}b"}
    assert character not in one_line(None, "", event)


def request(path: str, status: int) -> str:
    return request_line(
        {"timestamp": NOW, "method": "GET", "path": path, "status": status, "milliseconds": 7, "request_id": "r1"}
    )  # fmt: skip


def test_people_get_one_short_line_a_request_and_none_of_files_and_probes() -> None:
    assert request("/account", 200).endswith(" info     GET /account 200 in 7 ms")
    assert request("/static/site.css", 200) == request("/healthz", 200) == ""
    assert request("/readyz", 503) == ""  # while the services start
    assert request("/account", 500).endswith(" error    GET /account 500 in 7 ms request_id='r1'")
    assert request("/static/site.css", 500) != ""
    assert len(request(f"/{INJECTED}", 404).splitlines()) == 1
