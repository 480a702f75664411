"""The tests of frontend_site: its settings, and a real HTTP server that stands for auth_api."""

import atexit
import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.frontend_site.stub import Stub
from tests.projects import use_settings

_stub = Stub()
atexit.register(_stub.stop)
os.environ["AUTH_API_URL"] = _stub.url
use_settings("frontend_site.settings")


@pytest.fixture
def stub() -> Stub:
    return _stub


@pytest.fixture(autouse=True)
def _fresh_stub() -> Iterator[None]:
    from frontend_site.events import hub

    _stub.reset()
    yield
    # A test that asked for events in this process: its link would count as a listener of later ones.
    hub.stop_streams()
    hub._made.cache_clear()
    _stub.reset()


@pytest.fixture
def browser() -> Any:
    """A browser that sends what browsers send, raw cookies included."""
    from tests.frontend_site.browser import Browser

    return Browser()


@pytest.fixture
def options(settings: Any) -> Iterator[Any]:
    """Change our settings for one test: options(read_timeout=0.2)."""
    from frontend_site.backend.client import auth_api

    def change(**changes: Any) -> None:
        settings.GATEHOUSE = dataclasses.replace(settings.GATEHOUSE, **changes)
        auth_api.cache_clear()

    yield change
    auth_api.cache_clear()


@pytest.fixture
def auth_api_down(options: Any) -> None:
    """Nobody listens where auth_api should be."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    options(auth_api_url=f"http://127.0.0.1:{port}")


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """The real gunicorn in front of the stub."""
    from tests.frontend_site.server import running_site

    with running_site(_stub.url) as site:
        assert site.ask("GET", "/healthz").status == 200
        yield site


@pytest.fixture(scope="session")
def chromiums(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from tests.chromium import Chromiums

    with Chromiums(tmp_path_factory.mktemp("chromiums")) as running:
        yield running


@pytest.fixture
def person(server: Any, chromiums: Any) -> Iterator[Any]:
    """Somebody at a Chromium without a past."""
    from tests.frontend_site.person import Person

    with chromiums.lent() as driver:
        yield Person(driver, f"http://localhost:{server.port}")


@pytest.fixture
def person_without_javascript(server: Any, chromiums: Any) -> Iterator[Any]:
    from tests.frontend_site.person import Person

    with chromiums.lent(javascript=False) as driver:
        yield Person(driver, f"http://localhost:{server.port}")
