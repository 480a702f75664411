"""The list of sessions, and the acts that ask for a recent authentication."""

from contextlib import suppress
from typing import Any

import pytest

from auth_api.errors import Throttled
from auth_api.throttling import ACCOUNT_TRIES, LoginThrottle
from auth_api.tries import FREE_TRIES
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.clock import age_sessions
from tests.store_contents import command_counts, reset_command_counts

pytestmark = pytest.mark.django_db(transaction=True)

ACTS = [
    ("DELETE", "/v1/sessions/" + "a" * 16),
    ("POST", "/v1/sessions/revoke-others"),
    ("POST", "/v1/sessions/revoke-all"),
]


def login() -> str:
    return session_token(
        call("POST", "/v1/login", {"email": "ada@example.com", "password": PASSWORD})
    )


@pytest.fixture(autouse=True)
def _user() -> None:
    make_user("ada@example.com")


def test_the_list_shows_this_session_first_and_no_secret() -> None:
    other, here = login(), login()
    items = call("GET", "/v1/sessions", token=here).json()["items"]
    assert [item["current"] for item in items] == [True, False]
    assert items[0]["ip"] == "203.0.113.7"
    assert other.partition(".")[2] not in str(items)


def test_the_others_end_and_this_one_stays() -> None:
    other, here = login(), login()
    assert call("POST", "/v1/sessions/revoke-others", {}, token=here).json() == {"revoked": 1}
    assert call("GET", "/v1/session", token=other).status_code == 401
    assert call("GET", "/v1/session", token=here).status_code == 200


def test_all_end_and_the_cookie_is_expired() -> None:
    other, here = login(), login()
    answer = call("POST", "/v1/sessions/revoke-all", {}, token=here)
    assert answer.json() == {"revoked": 2}
    assert answer.cookies["__Host-session"].value == ""
    for token in (other, here):
        assert call("GET", "/v1/session", token=token).status_code == 401


@pytest.mark.parametrize(("method", "path"), ACTS)
def test_ending_sessions_asks_for_a_recent_authentication(
    method: str, path: str, redis_client: Any
) -> None:
    token, other = login(), login()
    age_sessions(redis_client, 601)
    answer = call(method, path, {}, token=token)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:gatehouse:problem:reauthentication-required"
    assert call("GET", "/v1/session", token=other).status_code == 200
    again = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token)
    assert call(method, path, {}, token=session_token(again)).status_code in (200, 404)


def test_reauthentication_makes_a_new_token_and_restarts_both_clocks(redis_client: Any) -> None:
    token = login()
    age_sessions(redis_client, 3000)
    before = call("GET", "/v1/session?slide=false", token=token).json()["session"]
    answer = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token)
    after = answer.json()["session"]
    assert after["created_at"] == before["created_at"]
    assert after["absolute_expires_at"] > before["absolute_expires_at"]
    assert after["assurance"]["auth_time"] > before["assurance"]["auth_time"]
    assert call("GET", "/v1/session", token=token).status_code == 401
    assert call("GET", "/v1/session", token=session_token(answer)).status_code == 200


def test_a_wrong_password_changes_nothing() -> None:
    token = login()
    answer = call("POST", "/v1/reauthenticate", {"password": "wrong " * 4}, token=token)
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-credentials"
    assert not answer.cookies
    assert call("GET", "/v1/session", token=token).status_code == 200


def test_strangers_hold_up_nobody_who_is_signed_in() -> None:
    token = login()
    for number in range(ACCOUNT_TRIES + 5):
        with suppress(Throttled):
            LoginThrottle("ada@example.com", f"198.51.100.{number}").hit()
    answer = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token)
    assert answer.status_code == 200


def test_a_password_is_not_guessed_from_an_open_session() -> None:
    token = login()
    wrong = {"password": "wrong " * 4}
    answers = [call("POST", "/v1/reauthenticate", wrong, token=token) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * FREE_TRIES + [429]


def test_an_address_that_changed_hands_renews_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    from auth_api.api import login as view

    token, bob = login(), make_user("bob@example.com")
    monkeypatch.setattr(view, "check_credentials", lambda **_: bob)
    answer = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token)
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-credentials"
    assert not answer.cookies


def test_without_a_session_there_is_nothing_to_reauthenticate() -> None:
    assert call("POST", "/v1/reauthenticate", {"password": PASSWORD}).status_code == 401


def test_a_login_is_one_write_to_the_store(redis_client: Any) -> None:
    login()
    reset_command_counts(redis_client)
    login()
    counts = command_counts(redis_client)
    assert counts["evalsha"] == 2  # the time that is sealed, and the session
    assert counts["set"] == 1  # the snapshot exists already
    assert counts["eval"] == 1  # the throttle; and its clearing:
    assert counts["unlink"] == 1
