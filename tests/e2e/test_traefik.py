"""docs/how-to/deploy/traefik.yml, read, not run: Debian has no Traefik, and PyPI only an unofficial copy of it.

What Traefik sends is replayed in tests/frontend_site/forward_auth/test_views.py.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.processes import ROOT

TEXT = (ROOT / "docs" / "how-to" / "deploy" / "traefik.yml").read_text()


@pytest.fixture
def http() -> Any:
    return yaml.safe_load(TEXT)["http"]


def test_every_router_strips_what_a_browser_claims_first_and_names_what_is_there(http: Any) -> None:
    for router in http["routers"].values():
        assert router["middlewares"][0] == "unclaimed"
        assert set(router["middlewares"]) <= set(http["middlewares"])
        assert router["service"] in http["services"]
        assert router["tls"] == {}


def test_the_app_is_behind_gatehouse_and_nobody_outside_asks_it(http: Any) -> None:
    assert http["routers"]["app"]["middlewares"][-1] == "gatehouse"
    assert "!Path(`/auth/verify`)" in http["routers"]["site"]["rule"]
    asked = urlsplit(http["middlewares"]["gatehouse"]["forwardAuth"]["address"])
    assert (asked.path, parse_qs(asked.query)) == ("/auth/verify", {"audience": ["app"]})
    [site] = http["services"]["site"]["loadBalancer"]["servers"]
    assert site["url"] == f"http://{asked.netloc}"


def test_no_header_that_says_who_or_where_is_believed(http: Any) -> None:
    stripped = http["middlewares"]["unclaimed"]["headers"]["customRequestHeaders"]
    assert set(stripped.values()) == {""}
    assert {"X-Request-Id", "Forwarded", "X_Forwarded_For", "X_Real_Ip"} <= set(stripped)
    assert {"HTTP2-Settings", "Proxy"} <= set(stripped)
    forward = http["middlewares"]["gatehouse"]["forwardAuth"]
    assert forward["trustForwardHeader"] is False
    assert forward["authResponseHeadersRegex"] == "(?i)^Gatehouse"


def test_the_cookies_of_the_app_are_those_of_the_answer(http: Any) -> None:
    """Traefik deletes each of these from the request, and sets it when the answer has it."""
    forward = http["middlewares"]["gatehouse"]["forwardAuth"]
    assert forward["authResponseHeaders"] == ["Cookie"]
    assert "authRequestHeaders" not in forward  # else Gatehouse would not see the cookies
