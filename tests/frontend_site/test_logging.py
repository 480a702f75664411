"""Logs tell what happened and no secret; one event is one line."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from frontend_site.security.csrf import ANONYMOUS, CsrfSigner
from gatehouse.keys import Key
from gatehouse.logging import request_log
from gatehouse.service_token import mint_service_token
from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import TOKEN, Stub, problem

KEY = Key("a1", b"k" * 32)
CSRF = CsrfSigner([KEY]).issue(ANONYMOUS)
SERVICE = mint_service_token(KEY, now=0)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What goes to stderr."""
    handler: Any = next(
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    )
    stream = io.StringIO()
    before, requests_before = handler.setStream(stream), request_log.stream
    request_log.stream = stream
    yield stream
    handler.setStream(before)
    request_log.stream = requests_before


def test_a_day_of_requests_leaves_no_secret_in_the_log(
    browser: Browser, stub: Stub, log: io.StringIO
) -> None:
    stub.answers["POST /v1/login"] = problem("invalid-credentials", 401)
    browser.post("/login", {"email": "ada@example.com", "password": "correct horse battery"})
    stub.reset()
    browser.post("/login", {"email": "ada@example.com", "password": "correct horse battery"})
    browser.get("/account")
    browser.get("/email/verify?token=mailed-secret")
    browser.send("GET", "/account", Cookie=f"__Host-session={TOKEN}; __Host-session={TOKEN}")
    browser.call("POST", "/api/auth/logout", X_CSRF_Token=CSRF)
    browser.post("/logout")
    text = log.getvalue()
    secrets = ["correct horse", "mailed-secret", *browser.cookies.values(), TOKEN, CSRF]
    assert "request.finished" in text
    assert [secret for secret in secrets if secret in text] == []


def test_a_line_break_from_outside_cannot_start_a_line_of_its_own(log: io.StringIO) -> None:
    structlog.get_logger("frontend_site").warning("login.failed", email='a\r\n{"level":"x"}\x1b[2J')
    lines = log.getvalue().strip().splitlines()
    assert len(lines) == 1
    assert "\x1b" not in lines[0]
    assert json.loads(lines[0])["email"].startswith("a\r\n")


class Closed(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_log_that_nobody_reads_breaks_no_request(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "stream", Closed())
    assert browser.get("/login").status_code == 200


def test_a_request_is_one_line_whatever_its_path(browser: Browser, log: io.StringIO) -> None:
    browser.send("GET", "/x", path_info=f"/a\r\nb\x1b{TOKEN}")
    lines = [line for line in log.getvalue().splitlines() if "request.finished" in line]
    (line,) = lines
    assert (TOKEN in line, "\x1b" in line) == (False, False)
    assert json.loads(line)["path"] == "/a\r\nb\x1b[redacted]"


def test_an_outage_in_a_middleware_is_one_line(
    settings: Any, browser: Browser, auth_api_down: None, log: io.StringIO
) -> None:
    """A middleware that reads `request.user`: its exception reaches no view, and Django logs it."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.adopter.middleware.NameInHeader"]
    assert type(browser)().sign_in().get("/account").status_code == 503
    events = [json.loads(line)["event"] for line in log.getvalue().splitlines()]
    assert events == ["auth_api.unavailable", "request.finished"]
