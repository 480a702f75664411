"""Forgotten and changed passwords, with the mails that are really sent."""

import time
from typing import Any

import pytest
from django.core import signing

from auth_api.throttling import ADDRESS_MAILS, CLIENT_MAILS
from auth_api.users.models import User
from auth_api.users.tokens import RESET
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_link, mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "ada@example.com"
NEW = "nine green bottles on a wall"


def forgot(email: str = EMAIL) -> Any:
    return call("POST", "/v1/password/forgot", {"email": email})


def reset(token: str, password: str = NEW) -> Any:
    return call("POST", "/v1/password/reset", {"token": token, "password": password})


def login(password: str = PASSWORD) -> Any:
    return call("POST", "/v1/login", {"email": EMAIL, "password": password})


def alive(token: str) -> bool:
    return bool(call("GET", "/v1/session", token=token).status_code == 200)


def change(token: str, current: str = PASSWORD, new: str = NEW) -> Any:
    form = {"current_password": current, "new_password": new}
    return call("POST", "/v1/password/change", form, token=token)


# -- forgotten ------------------------------------------------------------------------------------


def test_a_reset_sets_the_password_ends_all_sessions_and_signs_nobody_in(user: Any) -> None:
    tokens = [session_token(login()) for _ in range(2)]
    assert forgot().status_code == 202
    answer = reset(mailed_token())
    assert answer.status_code == 200
    assert not answer.cookies
    assert not any(alive(token) for token in tokens)
    assert login().status_code == 401
    assert login(NEW).status_code == 200
    assert sent_mails()[-1].subject == "Your password was changed"


def test_a_token_works_once(user: Any) -> None:
    forgot()
    token = mailed_token()
    assert reset(token).status_code == 200
    answer = reset(token, "another quiet harbour at dawn")
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-token"
    assert login(NEW).status_code == 200


def test_the_next_request_kills_the_last_one(user: Any) -> None:
    forgot()
    old = mailed_token()
    forgot()
    new = mailed_token()
    assert reset(old).status_code == 400
    assert reset(new).status_code == 200


def test_a_change_of_password_does_not_kill_it(user: Any) -> None:
    """Otherwise an intruder who knows the password could keep the owner from a new one."""
    forgot()
    token = mailed_token()
    assert change(session_token(login())).status_code == 200
    assert reset(token, "another quiet harbour at dawn").status_code == 200


def test_a_change_of_address_kills_it(user: Any) -> None:
    forgot()
    token = mailed_token()
    User.objects.filter(pk=user.pk).update(email="elsewhere@example.com")
    assert reset(token, "another quiet harbour at dawn").status_code == 400


@pytest.mark.parametrize("lifetime", [0, 1800])
def test_it_dies_half_an_hour_after_it_was_asked_for(
    user: Any, settings: Any, lifetime: int
) -> None:
    assert settings.GATEHOUSE.reset_lifetime == 1800
    forgot()
    token = mailed_token()
    dies_at, *claims = signing.loads(token, salt=RESET.salt)
    assert 1790 <= dies_at - time.time() <= 1800
    late = signing.dumps([dies_at - 1800 + lifetime, *claims], salt=RESET.salt)
    assert reset(late).status_code == (200 if lifetime else 400)


def test_a_cut_changed_or_foreign_token_is_refused(user: Any) -> None:
    forgot()
    token = mailed_token()
    claims = signing.loads(token, salt=RESET.salt)
    foreign = [
        "", "x", token[:-1], token[1:], token.swapcase(), "\u20ac", "W10:1:x",
        signing.dumps(claims, salt="gatehouse.verify-address"),
        signing.dumps(claims[:2], salt=RESET.salt),
        signing.dumps("text", salt=RESET.salt),
    ]  # fmt: skip
    for spoiled in foreign:
        answer = reset(spoiled)
        assert (spoiled, answer.status_code) == (spoiled, 400)
        assert answer.json()["type"] == "urn:gatehouse:problem:invalid-token"
    assert reset(token).status_code == 200


def test_a_verification_link_resets_nothing_and_the_reverse(user: Any) -> None:
    call("POST", "/v1/register", {"email": "new@example.com", "password": PASSWORD})
    assert reset(mailed_token("new@example.com")).status_code == 400
    forgot()
    form = {"token": mailed_token(EMAIL), "password": PASSWORD}
    assert call("POST", "/v1/email/verify", form).status_code == 400


def test_a_refused_password_leaves_the_link_good(user: Any) -> None:
    forgot()
    token = mailed_token()
    for weak in ("short", "x" * 129, "password" * 3, "\0" + NEW):
        answer = reset(token, weak)
        assert answer.status_code == 400
        assert "password" in answer.json()["errors"]
    assert reset(token).status_code == 200


@pytest.mark.parametrize("spelling", ["Ada@Example.com", " ada@example.com", "ada@EXAMPLE.com"])
def test_the_mail_goes_to_the_stored_address(user: Any, spelling: str) -> None:
    forgot(spelling)
    assert [mail.to for mail in sent_mails()] == [[EMAIL]]
    assert mailed_link().startswith("http://localhost:8000/password/reset?token=")


def test_the_host_header_is_in_no_link(user: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    form = {"email": EMAIL}
    call("POST", "/v1/password/forgot", form, HTTP_HOST="evil.example")
    assert "evil.example" not in str(sent_mails()[0].body)


def test_an_unverified_registration_is_proved_by_a_reset() -> None:
    """Whoever reads the mail of the address owns it; the stranger's password is gone."""
    call("POST", "/v1/register", {"email": EMAIL, "password": "the password of a stranger"})
    forgot()
    assert reset(mailed_token()).status_code == 200
    assert login(NEW).status_code == 200
    assert login("the password of a stranger").status_code == 401


def test_an_account_that_staff_made_gets_its_first_password_so() -> None:
    User.objects.create_user(EMAIL, None, email_verified=True)
    forgot()
    assert reset(mailed_token()).status_code == 200
    assert login(NEW).status_code == 200


def test_an_address_gets_three_mails_an_hour_and_the_answers_stay_the_same(user: Any) -> None:
    answers = [forgot() for _ in range(ADDRESS_MAILS + 2)]
    assert {a.status_code for a in answers} == {202}
    assert len(sent_mails()) == ADDRESS_MAILS
    assert reset(mailed_token()).status_code == 200  # the last that was sent is good


def test_one_client_asks_for_so_many_mails_an_hour() -> None:
    answers = [forgot(f"a{number}@example.com") for number in range(CLIENT_MAILS + 1)]
    assert [a.status_code for a in answers] == [202] * CLIENT_MAILS + [429]
    assert int(answers[-1]["Retry-After"]) > 0


@pytest.mark.parametrize("email", ["", "x", "a@b@c.example", "a" * 321, "ada@example.com\n"])
def test_what_is_no_address_is_refused(email: str) -> None:
    answer = forgot(email)
    assert answer.status_code in (400, 202)
    if answer.status_code == 202:  # a spelling of an address, canonicalised
        assert email.strip() == EMAIL


# -- changed --------------------------------------------------------------------------------------


def test_a_change_ends_the_other_sessions_and_renews_this_one(user: Any) -> None:
    mine, other = session_token(login()), session_token(login())
    answer = change(mine)
    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == EMAIL
    assert not alive(mine)
    assert not alive(other)
    assert alive(session_token(answer))
    assert (login().status_code, login(NEW).status_code) == (401, 200)
    assert sent_mails()[-1].subject == "Your password was changed"


def test_a_remembered_session_stays_remembered(user: Any) -> None:
    form = {"email": EMAIL, "password": PASSWORD, "remember": True}
    token = session_token(call("POST", "/v1/login", form))
    assert change(token).json()["session"]["remember"] is True


def test_a_wrong_present_password_changes_nothing(user: Any) -> None:
    token = session_token(login())
    answer = change(token, current="a wrong password of length")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["current_password"]
    assert alive(token)
    assert login().status_code == 200


def test_the_present_password_cannot_be_guessed_without_end(user: Any) -> None:
    token = session_token(login())
    answers = [change(token, current=f"wrong password {n:09}") for n in range(12)]
    assert answers[-1].status_code == 429


@pytest.mark.parametrize("new", ["short", "ada@example.com ada@example.com", PASSWORD, "x" * 10000])
def test_a_refused_new_password_changes_nothing(user: Any, new: str) -> None:
    token = session_token(login())
    answer = change(token, new=new)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["new_password"])
    assert alive(token)


def test_without_a_session_nothing_is_changed(user: Any) -> None:
    form = {"current_password": PASSWORD, "new_password": NEW}
    assert call("POST", "/v1/password/change", form).status_code == 401
    assert login().status_code == 200
