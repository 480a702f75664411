"""What a request costs the BFF, in counts: a guard against code that gets slower bit by bit.

The bounds are a little above what it costs now (docs/reference/benchmarks.md has the times). Who needs more
raises them, and says why.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.template.backends.jinja2 import Template

from frontend_site.options import options
from frontend_site.wsgi import application
from gatehouse.known_browser import mint_known_browser
from tests.calls import python_calls
from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import TOKEN, USER, Stub


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that were rendered."""
    names: list[str] = []
    render = Template.render

    def note(template: Any, *arguments: Any) -> str:
        names.append(template.template.name)
        return str(render(template, *arguments))

    monkeypatch.setattr(Template, "render", note)
    return names


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
        # As browsers send them: one that signed in here before shows that, too.
        known = mint_known_browser(USER["email"], options().service_keys[-1])
        environ["HTTP_COOKIE"] = f"__Host-session={TOKEN}; __Host-known-browser={known}"

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
        ("/account", True, 200, 866),
        ("/api/auth/session", True, 200, 408),
        ("/", False, 200, 465),
        ("/account", False, 302, 337),
    ],
)
def test_a_request_calls_few_functions(
    stub: Stub, path: str, cookie: bool, status: int, most: int
) -> None:
    ask = request(path, cookie=cookie)
    assert ask() == status  # connections are made, templates read
    # The minimum of three: an answer in two packets takes more calls to read.
    assert min(python_calls(ask) for _ in range(3)) < most


def test_a_page_costs_one_internal_call_one_template_and_few_bytes(
    browser: Browser, stub: Stub, rendered: list[str]
) -> None:
    page = browser.sign_in().get("/account")
    assert stub.calls == ["GET /v1/session"]
    assert rendered == ["account/account.html"]  # what it extends is compiled into it
    assert len(page.content) < 6000


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/static/frontend_site/site.css"])
def test_public_pages_and_files_cost_no_call(browser: Browser, stub: Stub, path: str) -> None:
    assert browser.get(path).status_code == 200
    if path != "/login":  # which already says who is signed in
        assert browser.sign_in().get(path).status_code == 200
    assert stub.calls == []
