"""Each purpose has its own counters: strangers who exhaust one leave the others intact."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from auth_api.throttling import (
    ACCOUNT_TRIES,
    ADDRESS_MAILS,
    CLIENT_MAILS,
    NEW_PASSWORDS,
    NEW_PASSWORDS_WINDOW,
)
from auth_api.tries import FREE_TRIES
from auth_api.users.models import User
from auth_api.users.passwords import policy
from tests.auth_api.argon2_runs import argon2_runs
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.auth_api.users.admin_browser import AdminBrowser
from tests.store_contents import stored_keys

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL, NEW = "ada@example.com", "nine green bottles on a wall"
WEAK = "abcdefghijklmnop"  # weak for the estimator, but on no list


def ask(path: str, email: str = EMAIL, **more: str) -> int:
    status: int = call("POST", f"/v1/{path}", {"email": email, **more}).status_code
    return status


def register(email: str = EMAIL, password: str = PASSWORD) -> int:
    return ask("register", email, password=password)


def reset(token: str, password: str = NEW) -> int:
    body = {"token": token, "password": password}
    status: int = call("POST", "/v1/password/reset", body).status_code
    return status


def login(address: str, password: str = PASSWORD) -> int:
    body = {"email": EMAIL, "password": password}
    answer = call("POST", "/v1/login", body, HTTP_GATEHOUSE_CLIENT_ADDRESS=address)
    status: int = answer.status_code
    return status


def fill_the_accounts_counter() -> None:
    for number in range(ACCOUNT_TRIES):
        login(f"198.51.100.{number}", "not the password")


def subjects() -> list[str]:
    return [mail.subject for mail in sent_mails()]


# -- mails ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["email/resend", "register"])
def test_strangers_cannot_exhaust_the_counter_of_resets(path: str) -> None:
    make_user(EMAIL)
    for _ in range(ADDRESS_MAILS + 2):
        ask(path, **({"password": NEW} if path == "register" else {}))
    before = len(sent_mails())
    ask("password/forgot")
    assert subjects()[before:] == ["Set a new password for localhost"]


def test_strangers_cannot_exhaust_the_counter_of_resets_by_a_change_of_address() -> None:
    make_user("eve@example.com")
    make_user(EMAIL)
    body = {"email": "eve@example.com", "password": PASSWORD}
    eve = session_token(call("POST", "/v1/login", body))
    for _ in range(ADDRESS_MAILS + 2):
        call("POST", "/v1/email/change", {"email": EMAIL}, token=eve)
    ask("password/forgot")
    assert reset(mailed_token(EMAIL)) == 200


def test_a_mail_that_is_not_sent_does_not_count() -> None:
    """At first these mails have no recipient; then they have one."""
    for _ in range(ADDRESS_MAILS + 2):
        ask("email/resend")
        ask("password/forgot")
    assert sent_mails() == []
    register()
    ask("email/resend")
    ask("password/forgot")
    assert subjects() == ["Confirm your address for localhost"] * 2 + [
        "Set a new password for localhost"
    ]


def test_when_a_reset_is_refused_an_earlier_link_is_valid(redis_client: Any) -> None:
    """The counter expires with the last link, so there is always a mail or a valid link."""
    make_user(EMAIL)
    for _ in range(ADDRESS_MAILS + 2):
        ask("password/forgot")
    assert len(sent_mails()) == ADDRESS_MAILS
    (counter,) = [
        key
        for key in stored_keys(redis_client)
        if key.startswith(b"gh:throttle") and redis_client.get(key) == b"%d" % ADDRESS_MAILS
        and redis_client.ttl(key) <= 1800
    ]  # fmt: skip
    assert 1700 < redis_client.ttl(counter) <= 1800
    assert reset(mailed_token(EMAIL)) == 200


def test_a_client_that_asked_for_enough_of_one_kind_may_ask_for_another() -> None:
    make_user(EMAIL)
    for number in range(CLIENT_MAILS):
        ask("email/resend", f"a{number}@example.com")
    assert ask("email/resend") == 429
    assert ask("password/forgot") == 202
    assert register("new@example.com") == 202


# -- tries ----------------------------------------------------------------------------------------


def test_a_reset_lets_the_owner_in_whatever_strangers_tried() -> None:
    make_user(EMAIL)
    fill_the_accounts_counter()
    assert login("203.0.113.7") == 429
    ask("password/forgot")
    assert reset(mailed_token(EMAIL)) == 200
    assert login("203.0.113.7", NEW) == 200


def test_strangers_tries_at_a_registration_do_not_delay_its_confirmation() -> None:
    register()
    token = mailed_token(EMAIL)
    fill_the_accounts_counter()
    body = {"token": token, "password": PASSWORD}
    assert call("POST", "/v1/email/verify", body).status_code == 200
    assert login("203.0.113.7") == 200


# -- new passwords --------------------------------------------------------------------------------


def judged(act: Callable[[], Any]) -> tuple[Any, int, int]:
    """Return the result of `act`, and its numbers of strength estimates and hashes."""
    with (
        mock.patch.object(policy, "zxcvbn", wraps=policy.zxcvbn) as scored,
        argon2_runs() as runs,
    ):
        result = act()
    return result, scored.call_count, sum(runs.values())


def test_refused_registrations_count_before_the_password_is_evaluated() -> None:
    statuses, scored, hashed = judged(
        lambda: [register(f"a{n}@example.com", WEAK) for n in range(60)]
    )
    assert statuses == [400] * NEW_PASSWORDS + [429] * (60 - NEW_PASSWORDS)
    assert (scored, hashed) == (NEW_PASSWORDS, 0)
    answer = call("POST", "/v1/register", {"email": EMAIL, "password": PASSWORD})
    assert 0 < int(answer["Retry-After"]) <= NEW_PASSWORDS_WINDOW
    elsewhere = {"HTTP_GATEHOUSE_CLIENT_ADDRESS": "198.51.100.9"}
    body = {"email": EMAIL, "password": PASSWORD}
    assert call("POST", "/v1/register", body, **elsewhere).status_code == 202


def test_a_reset_link_evaluates_a_limited_number_of_passwords() -> None:
    make_user(EMAIL)
    ask("password/forgot")
    token = mailed_token(EMAIL)
    statuses, scored, hashed = judged(lambda: [reset(token, WEAK) for _ in range(40)])
    assert statuses == [400] * NEW_PASSWORDS + [429] * (40 - NEW_PASSWORDS)
    assert (scored, hashed) == (NEW_PASSWORDS, 0)


def test_a_change_of_password_evaluates_a_limited_number() -> None:
    """Someone who knows the current password must not cause unlimited work either."""
    make_user(EMAIL)
    token = session_token(call("POST", "/v1/login", {"email": EMAIL, "password": PASSWORD}))
    body = {"current_password": PASSWORD, "new_password": WEAK}

    def change() -> list[int]:
        return [
            call("POST", "/v1/password/change", body, token=token).status_code for _ in range(40)
        ]

    statuses, scored, hashed = judged(change)
    assert statuses == [400] * NEW_PASSWORDS + [429] * (40 - NEW_PASSWORDS)
    assert (scored, hashed) == (NEW_PASSWORDS, NEW_PASSWORDS)


def test_strangers_registrations_leave_the_owners_passwords_alone() -> None:
    make_user(EMAIL)
    token = session_token(call("POST", "/v1/login", {"email": EMAIL, "password": PASSWORD}))
    for number in range(NEW_PASSWORDS + 1):
        register(f"a{number}@example.com", WEAK)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert call("POST", "/v1/password/change", body, token=token).status_code == 200
    ask("password/forgot")
    assert reset(mailed_token(EMAIL), "another quiet harbour at dawn") == 200


@pytest.mark.parametrize("old", ["not the password", PASSWORD])
def test_the_admins_form_evaluates_nothing_after_a_wrong_password_or_too_many(old: str) -> None:
    User.objects.create_superuser("root@example.com", PASSWORD)
    root = AdminBrowser()
    root.login("root@example.com")
    form = {"old_password": old, "new_password1": WEAK, "new_password2": WEAK}
    count = NEW_PASSWORDS + 5 if old == PASSWORD else FREE_TRIES + 5
    answers, scored, hashed = judged(
        lambda: [root.post("/admin/password_change/", form) for _ in range(count)]
    )
    assert b"Too many attempts" in answers[-1].content
    assert scored == (NEW_PASSWORDS if old == PASSWORD else 0)
    assert hashed == (NEW_PASSWORDS if old == PASSWORD else FREE_TRIES)
