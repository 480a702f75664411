"""The real gunicorn with an upstream, `reports`, and the same service with every option, `dav`."""

import atexit
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from frontend_site.settings.access_rules import parse_access_rules
from frontend_site.settings.upstreams import parse_upstreams
from frontend_site.upstreams import proxy
from tests.frontend_site.server import Server, running_site
from tests.frontend_site.stub import Stub
from tests.frontend_site.transport.planter import Planter
from tests.frontend_site.upstreams.service import Service

_service = Service()
atexit.register(_service.shutdown)
OPTIONS = (
    "+request_headers=X-Tenant|Tus-*+answer_headers=x-tenant|Tus-*+host=public+redirects=any"
    "+paths=encoded+methods=webdav+silence=60s"
)
_planter = Planter()
atexit.register(_planter.stop)


@pytest.fixture
def service() -> Iterator[Service]:
    _service.reset()
    yield _service
    _service.reset()


@pytest.fixture
def planter() -> Iterator[Planter]:
    """An upstream that plants bytes."""
    _planter.reset()
    yield _planter
    _planter.reset()


@pytest.fixture
def reports(service: Service, options: Any) -> Service:
    """The upstream, for the test client."""
    proxy._slots.cache_clear()
    upstreams = parse_upstreams([f"reports={service.url}+cookies=theme"])
    rules = parse_access_rules(["/api/reports/=signed-in"], upstreams)
    options(upstreams=upstreams, access_rules=rules)
    return service


@pytest.fixture(scope="session")
def site() -> Iterator[Server]:
    """The upstream, behind the real server.

    At `dead` nobody listens, and nobody takes a connection at `slow`.
    """
    from tests.frontend_site.conftest import _stub

    with ExitStack() as stack:
        slow = stack.enter_context(_full_listener())
        addresses = {
            "reports": _service.url,
            "dav": _service.url + OPTIONS,
            "sealed": f"{_service.url}+level=aal2",
            "planter": _planter.url,
            "dead": "http://127.0.0.1:9",
            "slow": f"http://127.0.0.1:{slow}",
        }
        variables = {
            "GATEHOUSE_UPSTREAMS": ",".join("=".join(pair) for pair in addresses.items()),
            "GATEHOUSE_ACCESS_RULES": (
                "/api/=signed-in,/api/reports/private/=group:board,/api/dav/private/=group:board"
                ",/api/reports/sealed/=signed-in+level=aal2"
            ),
            "GATEHOUSE_UPSTREAM_SILENCE": "2",
            "GATEHOUSE_UPSTREAM_RECHECK": "1",
            "GATEHOUSE_UPSTREAM_BODY_LIMIT": str(128 * 1024 * 1024),
        }
        running = stack.enter_context(running_site(_stub.url, **variables))
        assert running.ask("GET", "/healthz").status == 200
        yield running


@contextmanager
def _full_listener() -> Iterator[int]:
    """A port whose queue is full: to who connects it is as a host that drops packets."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # more than the queue takes
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def signed_in(stub: Stub) -> None:
    """The stub's answers are those of somebody signed in."""
    for name in ("dav", "dead", "slow", "secure"):
        stub.answers[f"GET /v1/identity?audience={name}"] = stub.answers[
            "GET /v1/identity?audience=reports"
        ]
