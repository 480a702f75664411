"""Registration and verification, with the mails that are really sent."""

from typing import Any

import pytest

from auth_api.errors import InvalidCredentials
from auth_api.throttling import (
    ADDRESS_FAILURES,
    ADDRESS_MAILS,
    CLIENT_MAILS,
    MAIL_WINDOW,
)
from auth_api.tries import FREE_TRIES
from auth_api.users.flows.registration import verify_email
from auth_api.users.models import User
from auth_api.users.passwords.hashing import MAX_LENGTH
from tests.auth_api.argon2_runs import argon2_runs
from tests.auth_api.http import call
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.clock import age_throttles

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}


def register(**changes: Any) -> Any:
    return call("POST", "/v1/register", {**FORM, **changes})


def verify(token: str, password: str = PASSWORD) -> Any:
    return call("POST", "/v1/email/verify", {"token": token, "password": password})


def login() -> Any:
    return call("POST", "/v1/login", {"email": FORM["email"], "password": PASSWORD})


def test_an_account_opens_only_after_its_address_is_verified() -> None:
    assert register().status_code == 202
    assert login().status_code == 401
    token = mailed_token()
    answer = verify(token)
    assert answer.status_code == 200
    assert not answer.cookies  # a link signs nobody in
    assert login().status_code == 200
    assert verify(token).json()["type"] == "urn:gatehouse:problem:invalid-token"


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "W10:1:x", "\u20ac"])
def test_a_foreign_token_is_refused(token: str) -> None:
    assert verify(token).status_code == 400


def test_a_cut_token_is_refused() -> None:
    register()
    assert verify(mailed_token()[:-1]).status_code == 400


def test_the_answer_does_not_tell_whether_the_address_is_known() -> None:
    make_user("known@example.com")
    new, known = register(), register(email="Known@Example.com")
    assert (new.status_code, new.content) == (known.status_code, known.content)
    assert [m.subject for m in sent_mails()] == [
        "Confirm your address for localhost",
        "You already have an account at localhost",
    ]
    assert sent_mails()[1].to == ["known@example.com"]


def test_the_owners_click_does_not_open_the_account_to_a_strangers_password() -> None:
    """A stranger registers over the owner's registration; the owner then follows a mailed link."""
    register()
    stranger = "the password of a stranger here"
    register(password=stranger)
    answer = verify(mailed_token())
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-credentials"
    body = {"email": FORM["email"], "password": stranger}
    assert call("POST", "/v1/login", body).status_code == 401
    register()
    assert verify(mailed_token()).status_code == 200
    assert login().status_code == 200


def test_after_a_wrong_password_the_link_is_still_good() -> None:
    register()
    token = mailed_token()
    assert verify(token, "not the password").status_code == 401
    assert not User.objects.get().email_verified
    assert verify(token).status_code == 200


def test_a_right_password_at_a_link_forgets_the_wrong_ones() -> None:
    register()
    token = mailed_token()
    for _ in range(FREE_TRIES - 1):
        verify(token, "not the password")
    assert verify(token).status_code == 200
    body = {"email": FORM["email"], "password": "not the password"}
    answers = [call("POST", "/v1/login", body).status_code for _ in range(FREE_TRIES)]
    assert answers == [401] * FREE_TRIES


def test_passwords_are_not_guessed_at_a_link_without_end() -> None:
    register()
    token = mailed_token()
    guesses = [verify(token, "not the password").status_code for _ in range(FREE_TRIES + 1)]
    assert guesses == [401] * FREE_TRIES + [429]


def test_guesses_at_links_count_against_their_client_at_every_account() -> None:
    for number in range(ADDRESS_FAILURES // FREE_TRIES):
        email = f"user{number}@example.com"
        register(email=email)
        token = mailed_token(email)
        for _ in range(FREE_TRIES):
            assert verify(token, "not the password").status_code == 401
    make_user("known@example.com")
    body = {"email": "known@example.com", "password": PASSWORD}
    assert call("POST", "/v1/login", body).status_code == 429
    elsewhere = {"HTTP_GATEHOUSE_CLIENT_ADDRESS": "198.51.100.9"}
    assert call("POST", "/v1/login", body, **elsewhere).status_code == 200


@pytest.mark.parametrize("password", ["x" * (MAX_LENGTH + 1), "\0" * 20, "\ud800" * 20])
def test_what_no_password_can_be_is_a_wrong_one_and_costs_no_hash(password: str) -> None:
    register()
    with argon2_runs() as runs, pytest.raises(InvalidCredentials):
        verify_email(token=mailed_token(), password=password, address="203.0.113.7")
    assert runs == {"libsodium": 0, "argon2-cffi": 0}


def test_verifying_costs_one_argon2_run() -> None:
    register()
    token = mailed_token()
    for password in ("not the password", PASSWORD):
        with argon2_runs() as runs:
            verify(token, password)
        assert runs == {"libsodium": 1, "argon2-cffi": 0}


@pytest.mark.parametrize("password", ["", None])
def test_a_link_alone_verifies_nothing(password: str | None) -> None:
    register()
    body = {"token": mailed_token()} | ({} if password is None else {"password": password})
    answer = call("POST", "/v1/email/verify", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert not User.objects.get().email_verified


def test_a_used_link_stays_used_when_staff_take_the_verification_back() -> None:
    register()
    token = mailed_token()
    verify(token)
    user = User.objects.get()
    user.email_verified = False
    user.save()
    assert verify(token).json()["type"] == "urn:gatehouse:problem:invalid-token"


@pytest.mark.parametrize(
    ("fields", "has_password"),
    [
        ({"is_staff": True}, True),
        ({"is_superuser": True}, True),
        ({"is_active": False}, True),
        ({}, False),
    ],
)
def test_a_row_that_staff_made_is_not_touched(fields: dict[str, Any], has_password: bool) -> None:
    own = "what its owner chose in person" if has_password else None
    before = User.objects.create_user(FORM["email"], own, name="By staff", **fields)
    assert register().status_code == 202
    after = User.objects.get()
    assert (after.password, after.name) == (before.password, "By staff")
    assert after.session_epoch == before.session_epoch
    assert [m.subject for m in sent_mails()] == ["You already have an account at localhost"]
    assert "token" not in str(sent_mails()[0].body)


def test_only_the_newest_registration_can_be_verified() -> None:
    register(password="the password of a stranger here")
    old = mailed_token()
    register()
    new = mailed_token()
    assert verify(old).status_code == 400
    assert verify(new).status_code == 200
    assert login().status_code == 200


def test_links_are_built_from_the_configured_origin() -> None:
    call("POST", "/v1/register", FORM, HTTP_HOST="localhost")
    assert "http://localhost:8000/email/verify?" in str(sent_mails()[0].body)


@pytest.mark.parametrize(
    "password",
    [
        "fourteen chars", "aaaaaaaaaaaaaaa", "passwordpassword", "123456789012345",
        "qwertyuiopasdfghjkl", "gatehouse-gatehouse", "ada@example.com!", "adaadaadaadaada",
        "iloveyouiloveyou", "abcdefghijklmnop", "p" * 129,
    ],
)  # fmt: skip
def test_a_weak_password_is_refused_with_a_reason(password: str) -> None:
    answer = register(password=password)
    assert answer.status_code == 400
    assert answer.json()["errors"]["password"]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "correct horse battery staple",
        "дом на тихой улице",
        "🌵🌊🪁 fünf kleine Igel 🧭🦔",
    ],
)
def test_no_composition_rules(password: str) -> None:
    assert register(password=password).status_code == 202


@pytest.mark.parametrize("email", ["", "x", "a@b", "a b@example.com", "a@b@example.com", "x" * 320])
def test_an_impossible_address_is_refused(email: str) -> None:
    assert register(email=email).status_code == 400


def test_an_address_gets_three_mails_an_hour_and_the_answers_stay_the_same() -> None:
    answers = [register() for _ in range(ADDRESS_MAILS + 2)]
    assert {(a.status_code, a.content) for a in answers} == {(202, answers[0].content)}
    assert len(sent_mails()) == ADDRESS_MAILS
    assert (
        verify(mailed_token()).status_code == 200
    )  # what came after the last mail changed nothing
    register(email="other@example.com")
    assert len(sent_mails()) == ADDRESS_MAILS + 1


def test_a_known_address_is_mailed_no_more_often() -> None:
    make_user(FORM["email"])
    for _ in range(ADDRESS_MAILS + 2):
        register()
    assert len(sent_mails()) == ADDRESS_MAILS


def test_one_client_registers_so_many_addresses_an_hour() -> None:
    answers = [register(email=f"user{n}@example.com") for n in range(CLIENT_MAILS + 1)]
    assert [a.status_code for a in answers] == [202] * CLIENT_MAILS + [429]
    assert 0 < answers[-1].json()["retry_after"] <= 3600
    assert len(sent_mails()) == User.objects.count() == CLIENT_MAILS


def test_a_clients_hour_of_mails_ends_however_often_it_asks(redis_client: Any) -> None:
    for number in range(CLIENT_MAILS):
        register(email=f"user{number}@example.com")
    assert register(email="more@example.com").json()["retry_after"] > MAIL_WINDOW // 2
    age_throttles(redis_client, MAIL_WINDOW // 2)
    assert 0 < register(email="more@example.com").json()["retry_after"] <= MAIL_WINDOW // 2
    age_throttles(redis_client, MAIL_WINDOW // 2 + 1)
    assert register(email="more@example.com").status_code == 202


def test_an_address_gets_mails_again_after_its_hour(redis_client: Any) -> None:
    for _ in range(ADDRESS_MAILS + 1):
        register()
    assert len(sent_mails()) == ADDRESS_MAILS
    age_throttles(redis_client, MAIL_WINDOW // 2)
    register()
    assert len(sent_mails()) == ADDRESS_MAILS
    age_throttles(redis_client, MAIL_WINDOW // 2 + 1)
    register()
    assert len(sent_mails()) == ADDRESS_MAILS + 1


@pytest.mark.parametrize("hidden", ["\n", "\x1b", "\x85", "\u202e", "\u200b", "\ufeff", "\u2028"])
def test_a_name_has_nothing_that_cannot_be_seen(hidden: str) -> None:
    answer = register(name=f"Ada{hidden}Lovelace")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["name"])
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "O\u2019Brien-\u017d", ""]
)
def test_names_are_spelled_as_people_spell_them(name: str) -> None:
    assert register(name=name).status_code == 202


def test_markup_in_a_name_is_escaped_in_the_mail() -> None:
    register(name="<img src=x>")
    html = str(sent_mails()[0].alternatives[0][0])
    assert "<img" not in html
