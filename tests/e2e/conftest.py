"""One running Gatehouse for all end-to-end tests; imports neither project."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chromium import Chromiums
from tests.e2e.proxies import PROXIES, App, start_proxy
from tests.frontend_site.upstreams.chat import Chat
from tests.processes import JsonClient, Stack

EMAIL = "ada@example.com"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    # With an upstream that is down, so that its route exists.
    names = {"GATEHOUSE_UPSTREAMS": "reports=http://127.0.0.1:9"}
    with Stack(**names, GATEHOUSE_ACCESS_RULES="/api/reports/=signed-in") as running:
        yield running


@pytest.fixture(scope="session")
def password(stack: Stack) -> str:
    return stack.make_user(EMAIL, "--name", "Ada")


@pytest.fixture(scope="session")
def app() -> Iterator[App]:
    """An app behind the proxies of docs/how-to/deploy/."""
    server = App()
    yield server
    server.shutdown()


@pytest.fixture(scope="session")
def chat() -> Iterator[Chat]:
    """A WebSocket server, as the upstream `chat`."""
    server = Chat()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def site(chat: Chat) -> Iterator[Stack]:
    """Gatehouse as configured in docs/how-to/deploy/; parts of the app require a click, and a second factor."""
    rules = (
        "/app/=signed-in,/app/wiki/=signed-in+click,/app/ops/=group:ops,/api/chat/=signed-in"
        ",/app/vault/=signed-in+level=aal2"
    )
    names = {"GATEHOUSE_UPSTREAMS": f"chat={chat.url}+websocket=yes"}
    with Stack(GATEHOUSE_PROXY_HOPS="1", GATEHOUSE_ACCESS_RULES=rules, **names) as running:
        yield running


@pytest.fixture(scope="session")
def site_password(site: Stack) -> str:
    return site.make_user(EMAIL)


@pytest.fixture(scope="session", params=PROXIES)
def proxied(
    request: pytest.FixtureRequest, site: Stack, app: App, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of one of the proxies."""
    with start_proxy(request.param, site.web_port, app, tmp_path_factory) as address:
        yield address


@pytest.fixture
def client(proxied: str, site_password: str) -> JsonClient:
    """A signed-in client, through the proxy."""
    client = JsonClient(proxied)
    assert client.login(EMAIL, site_password).status_code == 200
    return client


@pytest.fixture(scope="session")
def chromiums(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromiums]:
    with Chromiums(tmp_path_factory.mktemp("chromiums")) as running:
        yield running


@pytest.fixture
def browser(chromiums: Chromiums) -> Iterator[Any]:
    """A Chromium without a past."""
    with chromiums.lent() as driver:
        yield driver


@pytest.fixture
def browser_without_javascript(chromiums: Chromiums) -> Iterator[Any]:
    with chromiums.lent(javascript=False) as driver:
        yield driver


@pytest.fixture
def other_browser(chromiums: Chromiums) -> Iterator[Any]:
    """One more, with cookies of its own."""
    with chromiums.lent("other") as driver:
        yield driver
