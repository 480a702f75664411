"""Probes."""

from typing import Any

import pytest
from django.conf import settings

from frontend_site import readiness
from gatehouse import probe
from gatehouse.service_token import judge_authorization
from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import Canned, Stub, problem


def test_healthz_needs_nobody(browser: Browser, auth_api_down: None) -> None:
    assert browser.get("/healthz").json() == {"status": "alive"}


READY = "GET /v1/ready"


@pytest.fixture(autouse=True)
def _checked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every probe is checked, and a slow machine is no outage."""
    monkeypatch.setattr(probe, "FRESH", 0.0)
    monkeypatch.setattr(readiness._backend, "patience", 60.0)


def test_readyz_is_ready_when_auth_api_is(browser: Browser, stub: Stub) -> None:
    assert browser.get("/readyz").json() == {"status": "ready"}
    [seen] = stub.seen
    shown = judge_authorization(seen.header("Authorization"), settings.GATEHOUSE.service_keys)
    assert shown.refusal is None


def test_readyz_is_degraded_when_auth_api_is(browser: Browser, stub: Stub) -> None:
    stub.answers[READY] = Canned(200, {"status": "degraded", "missing": ["database"]})
    answer = browser.get("/readyz")
    assert answer.status_code == 200  # pages of signed-in users work: a balancer must send them
    assert answer.json() == {"status": "degraded", "missing": ["database"]}


def test_readyz_names_what_is_missing(browser: Browser, stub: Stub) -> None:
    stub.answers[READY] = Canned(503, {"status": "not ready", "missing": ["redis"]})
    answer = browser.get("/readyz")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json() == {"status": "not ready", "missing": ["redis"]}


@pytest.mark.parametrize(
    "answer",
    [
        problem("internal-error", 500),
        Canned(200, {"status": "fine"}),
        Canned(200, {"status": "ready", "missing": "redis"}),
        Canned(200, b"ready"),
    ],
)
def test_readyz_takes_nothing_else_for_ready(browser: Browser, stub: Stub, answer: Canned) -> None:
    stub.answers[READY] = answer
    assert not_ready(browser) == ["auth_api"]


def test_readyz_is_degraded_before_an_older_auth_api(browser: Browser, stub: Stub) -> None:
    """While both are upgraded, a site that was first must not be taken away."""
    stub.answers[READY] = problem("not-found", 404)
    answer = browser.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "missing": ["auth_api"]}


def test_readyz_tells_a_refused_service_token(browser: Browser, stub: Stub) -> None:
    stub.answers[READY] = problem("service-token-required", 401)
    assert not_ready(browser) == ["service-token"]


def test_readyz_survives_a_dead_auth_api(browser: Browser, auth_api_down: None) -> None:
    assert not_ready(browser) == ["auth_api"]


def not_ready(browser: Browser) -> list[str]:
    """Return what is missing."""
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    missing: list[str] = answer.json()["missing"]
    return missing


TOKEN = "prometheus-may-read-this-0123456789"


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer \xe9"},
    ],
)
def test_metrics_are_not_there_without_their_token(
    browser: Browser, options: Any, shown: dict[str, str]
) -> None:
    options(metrics_token=TOKEN)
    assert browser.get("/metrics", **shown).status_code == 404


@pytest.mark.parametrize("shown", ["Bearer ", "Bearer", "", f"Bearer {TOKEN}"])
def test_metrics_are_not_there_when_no_token_is_set(browser: Browser, shown: str) -> None:
    assert browser.get("/metrics", Authorization=shown).status_code == 404


def metrics(browser: Browser) -> dict[str, float]:
    """Return every sample of /metrics by its name with labels. The host is of no interest."""
    answer = browser.get("/metrics", Authorization=f"Bearer {TOKEN}", Host="10.0.0.7:8000")
    assert answer.status_code == 200
    lines = answer.content.decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_metrics_count_requests_and_calls_and_name_no_path(
    browser: Browser, options: Any, stub: Stub
) -> None:
    options(metrics_token=TOKEN)
    browser.sign_in().get("/account")
    stub.answers["GET /v1/session"] = problem("session-store-unavailable", 503)
    browser.get("/account")
    browser.get("/nowhere/unlisted-path?token=unlisted-token")
    found = metrics(browser)
    for name in (
        'gatehouse_request_seconds_count{route="frontend_site.pages.views.account",status="200"}',
        'gatehouse_request_seconds_count{route="frontend_site.pages.views.account",status="503"}',
        'gatehouse_request_seconds_count{route="other",status="404"}',
        'gatehouse_auth_api_calls_total{call="page-session",outcome="200"}',
        'gatehouse_auth_api_calls_total{call="page-session",outcome="503"}',
    ):
        assert found[name] >= 1
    assert not [name for name in found if "unlisted" in name]


def test_metrics_count_calls_without_an_answer(
    browser: Browser, options: Any, auth_api_down: None
) -> None:
    options(metrics_token=TOKEN)
    browser.sign_in().get("/account")
    name = 'gatehouse_auth_api_calls_total{call="page-session",outcome="unknown"}'
    assert metrics(browser)[name] >= 1


def test_probes_take_any_host_and_pages_only_ours(browser: Browser) -> None:
    assert browser.get("/healthz", Host="10.0.0.7").status_code == 200
    for host in ("evil.example", "testserver.evil.example", "testserver@evil", " ", "testserver:x"):
        assert browser.get("/", Host=host).status_code == 400


def test_internals_are_not_published(browser: Browser, stub: Any) -> None:
    for path in ("/metrics", "/admin/", "/v1/session", "/.git/HEAD", "/openapi.yaml", "/static/"):
        assert browser.get(path).status_code == 404
    assert stub.calls == []
