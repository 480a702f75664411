"""What a view demands holds where a library loses the attributes that say so."""

from typing import Any

import pytest

from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import Canned, Stub, at_level

FETCH = {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty", "Sec_Fetch_Site": "same-origin"}
DEMANDING = ["wrapped", "below", "method", "strong"]


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.adopter.lost_declarations"


@pytest.mark.parametrize("name", DEMANDING)
def test_a_level_is_demanded(browser: Browser, stub: Stub, name: str) -> None:
    answer = browser.sign_in().get(f"/lost/{name}", **FETCH)
    assert (answer.status_code, answer.json()["type"]) == (
        403,
        "urn:gatehouse:problem:step-up-required",
    )
    stub.answers["GET /v1/session"] = Canned(200, at_level("aal2"))
    assert browser.get(f"/lost/{name}", **FETCH).content == b"secret"


def test_a_decorator_that_is_not_for_methods_shows_nothing(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/session"] = Canned(200, at_level("aal2"))
    assert browser.sign_in().get("/lost/mistaken").status_code == 500


def test_a_class_is_as_it_says_and_not_as_its_base(browser: Browser) -> None:
    assert browser.get("/lost/closed")["Location"] == "/login?next=/lost/closed"
    assert browser.sign_in().post("/lost/closed", {}).status_code == 405  # it has no such method


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/", "/wiki/x/", "/wiki/x"])
def test_a_missing_page_leads_to_no_other_site_and_in_no_circle(
    browser: Browser, path: str
) -> None:
    assert browser.send("GET", "/", path_info=path).status_code == 404
