"""A browser that has signed in before goes first, and gains nothing else by its cookie."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from auth_api.options import options
from auth_api.tries import FREE_TRIES
from auth_api.users.passwords import hashing
from gatehouse.keys import Key
from gatehouse.known_browser import mint_known_browser
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)

ADA, BOB = "Ada@example.com", "bob@example.com"


@pytest.fixture(autouse=True)
def _users() -> None:
    make_user(ADA)
    make_user(BOB)


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Strangers have taken all the slots that they may have."""
    monkeypatch.setattr(hashing, "_SLOT_PATIENCE", 0.01)
    with ExitStack() as stack:
        for _ in range(options().hashing_slots - 1):
            stack.enter_context(hashing._line().slot(60))
        yield


def login(cookie: str = "", email: str = ADA, password: str = PASSWORD) -> Any:
    form = {"email": email, "password": password}
    headers = {"HTTP_COOKIE": f"__Host-known-browser={cookie}"} if cookie else {}
    return call("POST", "/v1/login", form, **headers)


@pytest.fixture
def known() -> str:
    cookie: str = login().cookies["__Host-known-browser"].value
    return cookie


def test_a_known_browser_signs_in_while_strangers_fill_the_slots(known: str, crowded: None) -> None:
    assert login().status_code == 503
    assert login(known).status_code == 200
    assert login(known, email=" ADA@EXAMPLE.com").status_code == 200


def test_for_another_account_it_is_a_stranger(known: str, crowded: None) -> None:
    assert login(known, email=BOB).status_code == 503
    assert login(known, email="nobody@example.com").status_code == 503


@pytest.mark.parametrize(
    "change", [str.upper, lambda v: v[:-1], lambda v: "1" + v, lambda v: f"{v}, {v}"]
)
def test_a_damaged_one_is_like_none(known: str, change: Any, crowded: None) -> None:
    assert login(change(known)).status_code == 503


@pytest.mark.parametrize("damaged", ["", "x", "é\xff", "a; __Host-known-browser=b", '"'])
def test_none_is_ever_needed_and_none_does_harm(damaged: str) -> None:
    assert login(damaged).status_code == 200


def test_it_is_no_proof_of_anything(known: str) -> None:
    assert login(known, password="x" * 20).status_code == 401
    headers = {"HTTP_COOKIE": f"__Host-known-browser={known}"}
    assert call("GET", "/v1/session", **headers).status_code == 401


def test_the_throttle_counts_as_without_it(known: str) -> None:
    statuses = [login(known, password="x" * 20).status_code for _ in range(FREE_TRIES + 1)]
    assert statuses == [401] * FREE_TRIES + [429]
    assert login(known).status_code == 429


def test_it_survives_the_sign_out(known: str, crowded: None) -> None:
    token = session_token(login(known))
    out = call("POST", "/v1/logout", {}, token=token)
    assert "__Host-known-browser" not in out.cookies
    assert login(known).status_code == 200


def test_who_is_signed_in_goes_first_without_it(known: str, crowded: None) -> None:
    token = session_token(login(known))
    again = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token)
    assert again.status_code == 200
    form = {"current_password": PASSWORD, "new_password": "nine green bottles on a wall"}
    assert call("POST", "/v1/password/change", form, token=session_token(again)).status_code == 200


def test_an_older_key_still_counts_and_a_foreign_one_does_not(settings: Any, crowded: None) -> None:
    older, foreign = Key("older", b"o" * 40), Key("foreign", b"f" * 40)
    keys = (*options().service_keys, older)
    settings.GATEHOUSE = replace(options(), service_keys=keys)
    assert login(mint_known_browser("ada@example.com", older)).status_code == 200
    assert login(mint_known_browser("ada@example.com", foreign)).status_code == 503
