"""What `doctor` says when something else than frontend_site, or an answer to somebody else, is behind the front door."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from auth_api.doctor.door import Door, DoorClosed
from auth_api.doctor.site_report import ask_site
from gatehouse.doctor import HEADER, judge_question, sealed_answer
from gatehouse.keys import Key
from gatehouse.problems import CONTENT_TYPE, TYPE
from tests.auth_api.doctor.test_proxies import REPORT

KEYS = (Key("test", b"a secret that is long enough to sign with"),)


class _Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, headers, body = self.server.answers.get(self.path, (404, {}, "nothing"))  # type: ignore[attr-defined]
        if callable(body):
            body = body(judge_question(self.headers[HEADER], KEYS))
        text = json.dumps(body) if isinstance(body, dict) else body
        nonce = self.headers[HEADER].split(".")[3] if HEADER in self.headers else ""
        content = text.replace("NONCE", nonce).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def answers() -> Iterator[tuple[Door, dict[str, Any]]]:
    """A door, and what a server behind it answers: status, headers and body by path."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Stranger)
    server.answers = {}
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield Door(f"http://127.0.0.1:{server.server_port}"), server.answers
    server.shutdown()
    server.server_close()


def test_a_report_is_taken_if_it_answers_this_question(
    answers: tuple[Door, dict[str, Any]],
) -> None:
    door, given = answers
    given["/auth/doctor"] = (
        200,
        {},
        lambda question: sealed_answer(replace(REPORT, python="3.12"), question),
    )
    assert ask_site(door, KEYS, {}).report.python == "3.12"


@pytest.mark.parametrize(
    ("answer", "words", "mend"),
    [
        ((200, {}, {**vars(REPORT), "nonce": "of yesterday"}), "came from a cache", "cache nothing"),
        ((200, {}, {"nonce": "NONCE"}), "different release", "same release"),
        ((200, {}, {**vars(REPORT), "nonce": "NONCE"}), "different release", "same release"),
        ((200, {}, {"nonce": "NONCE", "report": "!"}), "different release", "same release"),
        ((200, {}, {"nonce": "NONCE", "report": "b" * 64}), "different release", "same release"),
        ((200, {}, "<h1>Welcome"), "answers 200, but not as", "FRONTEND_PORT"),
        ((301, {"Location": "https://www.example.org/auth/doctor"}, ""), "https://www.example.org", "--url"),
        ((400, {"Content-Type": CONTENT_TYPE}, {"type": f"{TYPE}unknown-host"}), "host", "ALLOWED_HOSTS"),
        ((502, {}, "Bad gateway"), "answers 502", "FRONTEND_PORT"),
        ((404, {}, "nothing"), "answers 404", "FRONTEND_PORT"),
    ],
)  # fmt: skip
def test_what_is_no_report_says_what_to_do(
    answers: tuple[Door, dict[str, Any]], answer: Any, words: str, mend: str
) -> None:
    door, given = answers
    given["/auth/doctor"] = answer
    with pytest.raises(DoorClosed, match=words) as closed:
        ask_site(door, KEYS, {})
    assert mend in closed.value.mend


def test_a_site_with_other_keys_is_told_apart(answers: tuple[Door, dict[str, Any]]) -> None:
    door, given = answers
    given["/healthz"] = (200, {}, {"status": "alive"})
    with pytest.raises(DoorClosed, match="signature") as closed:
        ask_site(door, KEYS, {})
    assert "GATEHOUSE_SERVICE_KEYS" in closed.value.mend
