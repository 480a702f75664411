"""What a request costs the BFF, in counts: a guard against code that gets slower bit by bit.

The bounds are a little above what it costs now (docs/benchmarks.md has the times). Who needs more
raises them, and says why.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test.signals import template_rendered

from frontend_site.wsgi import application
from tests.calls import python_calls
from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import TOKEN, Stub


@pytest.fixture
def rendered() -> Iterator[list[str]]:
    """The templates that were rendered."""
    names: list[str] = []

    def note(template: Any, **_: Any) -> None:
        names.append(template.name)

    template_rendered.connect(note)
    yield names
    template_rendered.disconnect(note)


def request(path: str, *, cookie: bool) -> Callable[[], int]:
    """A request as gunicorn hands it over, without a test client's own work; gives its status."""
    import io

    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "testserver",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "testserver", "HTTP_SEC_FETCH_SITE": "same-origin", "RAW_URI": path,
        "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(),
    }  # fmt: skip
    if cookie:
        environ["HTTP_COOKIE"] = f"__Host-session={TOKEN}"

    def ask() -> int:
        answered: list[str] = []
        answer: Any = application(
            {**environ, "wsgi.input": io.BytesIO()}, lambda status, *_: answered.append(status)
        )
        for _ in answer:
            pass
        answer.close()
        return int(answered[0][:3])

    return ask


@pytest.mark.parametrize(
    ("path", "cookie", "status", "most"),
    [
        ("/account", True, 200, 1400),
        ("/api/auth/session", True, 200, 550),
        ("/", False, 200, 800),
        ("/account", False, 302, 480),
    ],
)
def test_a_request_calls_few_functions(
    stub: Stub, path: str, cookie: bool, status: int, most: int
) -> None:
    ask = request(path, cookie=cookie)
    assert ask() == status  # connections are made, templates read
    assert python_calls(ask) < most


def test_a_page_costs_one_internal_call_three_templates_and_few_bytes(
    browser: Browser, stub: Stub, rendered: list[str]
) -> None:
    page = browser.sign_in().get("/account")
    assert stub.calls == ["GET /v1/session"]
    assert set(rendered) == {"account/account.html", "private.html", "base.html"}
    assert len(page.content) < 6000


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/static/frontend_site/site.css"])
def test_public_pages_and_files_cost_no_call(browser: Browser, stub: Stub, path: str) -> None:
    assert browser.get(path).status_code == 200
    assert stub.calls == []
