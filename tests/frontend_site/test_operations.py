"""Probes."""

from typing import Any

from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import Canned, Stub


def test_healthz_needs_nobody(browser: Browser, auth_api_down: None) -> None:
    assert browser.get("/healthz").json() == {"status": "alive"}


def test_readyz_is_ready_when_auth_api_is(browser: Browser) -> None:
    assert browser.get("/readyz").json() == {"status": "ready"}


def test_readyz_names_what_is_missing(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /readyz"] = Canned(503, {"status": "not ready", "missing": ["redis"]})
    answer = browser.get("/readyz")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json()["missing"] == ["auth_api"]


def test_readyz_is_ready_while_auth_api_only_announces_its_stop(
    browser: Browser, stub: Stub
) -> None:
    stub.answers["GET /readyz"] = Canned(503, {"status": "stopping"})
    assert browser.get("/readyz").status_code == 200


def test_readyz_survives_a_dead_auth_api(browser: Browser, auth_api_down: None) -> None:
    assert browser.get("/readyz").status_code == 503


def test_probes_take_any_host_and_pages_only_ours(browser: Browser) -> None:
    assert browser.get("/healthz", Host="10.0.0.7").status_code == 200
    for host in ("evil.example", "testserver.evil.example", "testserver@evil", " ", "testserver:x"):
        assert browser.get("/", Host=host).status_code == 400


def test_internals_are_not_published(browser: Browser, stub: Any) -> None:
    for path in ("/metrics", "/admin/", "/v1/session", "/.git/HEAD", "/openapi.yaml", "/static/"):
        assert browser.get(path).status_code == 404
    assert stub.calls == []
