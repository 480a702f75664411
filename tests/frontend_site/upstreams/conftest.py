"""The real gunicorn with one upstream, `reports`."""

import atexit
from collections.abc import Iterator
from typing import Any

import pytest

from frontend_site.upstreams import proxy
from frontend_site.upstreams.upstream import parse_upstreams
from tests.frontend_site.server import Server, running_site
from tests.frontend_site.stub import Stub
from tests.frontend_site.upstreams.service import Service

_service = Service()
atexit.register(_service.shutdown)


@pytest.fixture
def service() -> Iterator[Service]:
    _service.reset()
    yield _service
    _service.reset()


@pytest.fixture
def reports(service: Service, knobs: Any) -> Service:
    """The upstream, for the test client."""
    proxy._slots.cache_clear()
    knobs(upstreams=parse_upstreams([f"reports={service.url}"], ["reports:theme"]))
    return service


@pytest.fixture(scope="session")
def site() -> Iterator[Server]:
    """The upstream, behind the real server; `dead` is one where nobody listens."""
    from tests.frontend_site.conftest import _stub

    variables = {
        "GATEHOUSE_UPSTREAMS": f"reports={_service.url},dead=http://127.0.0.1:9",
        "GATEHOUSE_UPSTREAM_SILENCE": "2",
        "GATEHOUSE_UPSTREAM_RECHECK": "1",
        "GATEHOUSE_UPSTREAM_BODY_LIMIT": str(128 * 1024 * 1024),
    }
    with running_site(_stub.url, **variables) as running:
        assert running.ask("GET", "/healthz").status == 200
        yield running


@pytest.fixture
def signed_in(stub: Stub) -> None:
    """The stub's answers are those of somebody signed in."""
    stub.answers["GET /v1/identity?audience=dead"] = stub.answers[
        "GET /v1/identity?audience=reports"
    ]
