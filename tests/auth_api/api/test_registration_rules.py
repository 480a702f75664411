"""GATEHOUSE_REGISTRATION and GATEHOUSE_MAIL_DOMAINS, at every door by which an address comes in."""

from dataclasses import replace
from typing import Any

import pytest

from auth_api.users.models import User
from tests.auth_api.argon2_runs import argon2_runs
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)
RESET = "Set a new password for localhost"  # a subject
DOMAINS = frozenset({"example.com", "xn--fa-hia.example"})


@pytest.fixture
def rules(settings: Any) -> Any:
    def change(**changes: Any) -> None:
        settings.GATEHOUSE = replace(settings.GATEHOUSE, **changes)

    return change


def register(email: str) -> Any:
    return call("POST", "/v1/register", {"email": email, "password": PASSWORD, "name": "Ada"})


def verify(token: str) -> Any:
    return call("POST", "/v1/email/verify", {"token": token, "password": PASSWORD})


def login(email: str) -> Any:
    return call("POST", "/v1/login", {"email": email, "password": PASSWORD})


@pytest.mark.parametrize("mode", ["invite", "closed"])
def test_where_registration_is_closed_nobody_registers(rules: Any, mode: str) -> None:
    """And the answer is the same for every address, known or not, and costs no hash."""
    make_user("known@example.com")
    rules(registration=mode)
    with argon2_runs() as runs:
        answers = [register(email) for email in ("new@example.com", "known@example.com", "x")]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert answers[0].json()["type"] == "urn:gatehouse:problem:registration-closed"
    shown = [{k: v for k, v in a.json().items() if k != "request_id"} for a in answers]
    assert shown[0] == shown[1] == shown[2]
    assert not any(runs.values())
    assert not sent_mails()
    assert User.objects.count() == 1


@pytest.mark.parametrize("change", [{"registration": "closed"}, {"mail_domains": {"b.example"}}])
def test_a_registration_that_waits_is_not_confirmed_any_more(rules: Any, change: Any) -> None:
    register("ada@example.com")
    token = mailed_token()
    rules(**change)
    assert verify(token).json()["type"] == "urn:gatehouse:problem:registration-closed"
    assert login("ada@example.com").status_code == 401
    before = len(sent_mails())
    assert call("POST", "/v1/email/resend", {"email": "ada@example.com"}).status_code == 202
    assert len(sent_mails()) == before
    rules(registration="open", mail_domains=frozenset())
    assert verify(token).status_code == 200


def forgot(email: str) -> Any:
    return call("POST", "/v1/password/forgot", {"email": email})


def reset(token: str) -> Any:
    return call(
        "POST", "/v1/password/reset", {"token": token, "password": "seven blue jays at dawn"}
    )


NARROWED = [{"registration": "invite"}, {"registration": "closed"}, {"mail_domains": {"b.example"}}]


@pytest.mark.parametrize("change", NARROWED)
def test_a_registration_that_waits_gets_no_link_for_a_password_either(
    rules: Any, change: Any
) -> None:
    """It would confirm the address. The answer is the same for every address, known or not."""
    register("ada@example.com")
    make_user("known@example.com")
    before = len(sent_mails())
    rules(**change)
    answers = [forgot(f"{name}@example.com") for name in ("ada", "nobody", "known")]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert answers[0].content == answers[1].content == answers[2].content
    assert [mail.to for mail in sent_mails()[before:]] == [["known@example.com"]]


@pytest.mark.parametrize("change", NARROWED)
def test_a_link_for_a_password_does_not_confirm_it_either(rules: Any, change: Any) -> None:
    register("ada@example.com")
    assert sent_mails()
    forgot("ada@example.com")
    token = mailed_token(subject=RESET)
    rules(**change)
    assert reset(token).json()["type"] == "urn:gatehouse:problem:registration-closed"
    ada = User.objects.get()
    assert (ada.email_verified, ada.check_password(PASSWORD)) == (False, True)
    rules(registration="open", mail_domains=frozenset())
    assert reset(token).status_code == 200


@pytest.mark.parametrize("change", NARROWED)
def test_an_account_that_staff_made_sets_its_first_password(rules: Any, change: Any) -> None:
    User.objects.create_user("ada@example.com")
    rules(**change)
    forgot("ada@example.com")
    assert reset(mailed_token(subject=RESET)).status_code == 200


@pytest.mark.parametrize("change", [{"registration": "invite"}, {"mail_domains": {"b.example"}}])
def test_a_registration_that_was_not_answered_yet_is_dropped(rules: Any, change: Any) -> None:
    register("ada@example.com")  # the outbox has not looked at it
    rules(**change)
    assert not sent_mails()
    assert not User.objects.exists()


ALLOWED = ["ada@example.com", "Ada@EXAMPLE.com", "a@fa\u00df.example", "a@xn--fa-hia.example"]
REFUSED = [
    "ada@example.org", "ada@mail.example.com", "ada@badexample.com", "ada@example.com.evil.org", "ada@example.co",
    "ada@fass.example", "ada@evil.org@example.com", "ada@example.com@evil.org", '"ada@example.com"@evil.org',
    "ada@evil.org,x@example.com", "ada@example.com\u3002evil.org", "ada@ex\u0430mple.com", "ada%example.com@evil.org",
    "ada@[example.com]", "ada@example.com.", "ada@example.com\x00.evil.org",
]  # fmt: skip


@pytest.mark.parametrize("email", ALLOWED)
def test_an_address_of_a_listed_domain_may_register(rules: Any, email: str) -> None:
    rules(mail_domains=DOMAINS)
    assert register(email).status_code == 202


@pytest.mark.parametrize("email", REFUSED)
def test_no_other_domain_may(rules: Any, email: str) -> None:
    rules(mail_domains=DOMAINS)
    answer = register(email)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])
    assert not sent_mails()


def test_the_refusal_does_not_tell_whether_the_address_is_known(rules: Any) -> None:
    make_user("known@example.org")
    rules(mail_domains=DOMAINS)
    known, new = (register(email).json()["errors"] for email in ("known@example.org", "a@b.org"))
    assert known == new
    assert "example.com, xn--fa-hia.example" in new["email"][0]


@pytest.mark.parametrize("email", REFUSED)
def test_nobody_changes_to_another_domain(rules: Any, email: str) -> None:
    make_user("ada@example.com")
    token = session_token(login("ada@example.com"))
    rules(mail_domains=DOMAINS)
    answer = call("POST", "/v1/email/change", {"email": email}, token=token)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])
    assert call(
        "POST", "/v1/email/change", {"email": "new@example.com"}, token=token
    ).status_code == 202  # fmt: skip


def test_a_change_that_waits_is_not_confirmed_to_a_domain_that_was_removed(rules: Any) -> None:
    make_user("ada@example.com")
    token = session_token(login("ada@example.com"))
    call("POST", "/v1/email/change", {"email": "ada@example.org"}, token=token)
    confirm = {"token": mailed_token(), "password": PASSWORD}
    rules(mail_domains=DOMAINS)
    assert call("POST", "/v1/email/confirm", confirm, token=token).status_code == 400
    assert User.objects.get().email == "ada@example.com"


def test_whoever_has_an_account_keeps_it(rules: Any) -> None:
    make_user("ada@example.org")
    rules(mail_domains=DOMAINS, registration="closed")
    assert login("ada@example.org").status_code == 200
