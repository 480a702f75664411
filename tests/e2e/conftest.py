"""One running Gatehouse for all end-to-end tests; imports neither project."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

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


@pytest.fixture
def browser(tmp_path: Any) -> Iterator[Any]:
    yield from chromium(tmp_path)


@pytest.fixture
def browser_without_javascript(tmp_path: Any) -> Iterator[Any]:
    yield from chromium(tmp_path, javascript=False)


def chromium(folder: Any, *, javascript: bool = True) -> Iterator[Any]:
    """Yield a headless Chromium with its profile in `folder`."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("NO BROWSER: chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--window-size=1100,900", f"--user-data-dir={folder}",
    ):  # fmt: skip
        options.add_argument(flag)
    if not javascript:
        setting = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", setting)
    running = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield running
    finally:
        running.quit()
