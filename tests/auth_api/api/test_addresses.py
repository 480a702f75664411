"""Another e-mail address: proved at the new one, told at the old one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from auth_api.mail.models import OutboxMail
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.clock import age_sessions

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = "ada@example.com", "ada@example.org"


@pytest.fixture
def token() -> str:
    make_user(OLD)
    return session_token(login(OLD))


def login(email: str) -> Any:
    return call("POST", "/v1/login", {"email": email, "password": PASSWORD})


def ask(token: str, email: str = NEW) -> Any:
    return call("POST", "/v1/email/change", {"email": email}, token=token)


def confirm(token: str, password: str = PASSWORD) -> Any:
    return call("POST", "/v1/email/confirm", {"token": token, "password": password})


def statements(act: Callable[[], Any]) -> list[str]:
    """Return the kinds of SQL statements that `act` executes."""
    with CaptureQueriesContext(connection) as captured:
        assert act().status_code == 202
    return [query["sql"].partition(" ")[0] for query in captured.captured_queries]


def test_the_new_address_counts_when_it_is_proved(token: str) -> None:
    assert ask(token).status_code == 202
    assert login(OLD).status_code == 200
    mailed = mailed_token(NEW)
    assert [(m.to, m.subject) for m in sent_mails()] == [
        ([OLD], "Someone asked to change your e-mail address"),
        ([NEW], "Confirm your new address"),
    ]
    answer = confirm(mailed)
    assert answer.status_code == 200
    assert not answer.cookies
    assert (login(OLD).status_code, login(NEW).status_code) == (401, 200)
    assert call("GET", "/v1/session", token=token).status_code == 401
    assert sent_mails()[-1].to == [OLD]
    assert NEW in str(sent_mails()[-1].body)
    assert confirm(mailed).status_code == 400


def test_the_next_wish_kills_the_last_one(token: str) -> None:
    ask(token, "first@example.org")
    first = mailed_token("first@example.org")
    ask(token)
    second = mailed_token(NEW)
    assert confirm(first).status_code == 400
    assert confirm(second).status_code == 200


def test_a_change_of_password_stops_it(token: str) -> None:
    ask(token)
    mailed = mailed_token(NEW)
    form = {"current_password": PASSWORD, "new_password": "nine green bottles on a wall"}
    assert call("POST", "/v1/password/change", form, token=token).status_code == 200
    assert confirm(mailed).status_code == 400


def test_a_change_of_password_cancels_it_before_its_mail_is_written(token: str) -> None:
    """The outbox may be late: a link that it sends then must not survive the end of the sessions."""
    ask(token)
    form = {"current_password": PASSWORD, "new_password": "nine green bottles on a wall"}
    assert call("POST", "/v1/password/change", form, token=token).status_code == 200
    assert [mail.to for mail in sent_mails()] == [[OLD], [OLD]]


def test_it_wants_a_recent_authentication(token: str, redis_client: Any) -> None:
    age_sessions(redis_client, 601)
    answer = ask(token)
    assert answer.json()["type"] == "urn:gatehouse:problem:reauthentication-required"
    assert not sent_mails()


def test_an_address_that_has_an_account_is_told_by_mail_only(token: str) -> None:
    make_user("taken@example.com")
    free, taken = ask(token), ask(token, "taken@example.com")
    assert (free.status_code, free.content) == (taken.status_code, taken.content)
    assert sent_mails()[-1].to == ["taken@example.com"]
    assert "token" not in str(sent_mails()[-1].body)


def test_another_persons_click_does_not_confirm_an_address(token: str) -> None:
    """An account asks for an address of another person, who opens the link."""
    ask(token, "ceo@corp.example")
    mailed = mailed_token("ceo@corp.example")
    make_user("ceo@example.com")
    own = session_token(login("ceo@example.com"))
    for answer in (
        call("POST", "/v1/email/confirm", {"token": mailed}),
        call("POST", "/v1/email/confirm", {"token": mailed}, token=own),
        confirm(mailed, "the password of somebody else"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (
            401, "urn:gatehouse:problem:invalid-credentials",
        )  # fmt: skip
    assert User.objects.get(name="Ada", email=OLD)
    assert confirm(mailed).status_code == 200  # the link stays valid for the account that asked


def test_the_session_that_asked_needs_no_password(token: str) -> None:
    ask(token)
    mailed = mailed_token(NEW)
    assert call("POST", "/v1/email/confirm", {"token": mailed}, token=token).status_code == 200


def test_guesses_at_a_confirmation_are_held_up(token: str) -> None:
    ask(token)
    mailed = mailed_token(NEW)
    statuses = [confirm(mailed, "the password of somebody else").status_code for _ in range(11)]
    assert (statuses[0], statuses[-1]) == (401, 429)


def test_a_change_costs_the_same_whether_or_not_the_address_has_an_account(token: str) -> None:
    make_user("taken@example.com")
    call("GET", "/v1/session", token=token)  # caches a snapshot if the sign-in did not
    costs = [
        statements(lambda email=email: ask(token, email)) for email in (NEW, "taken@example.com")
    ]
    assert costs[0] == costs[1]
    assert OutboxMail.objects.count() == 4  # three notices and a link


def test_resending_costs_the_same_for_everybody() -> None:
    make_user("known@example.com")
    call("POST", "/v1/register", {"email": NEW, "password": PASSWORD})
    sent_mails()
    costs = []
    for email in (NEW, "known@example.com", "nobody@example.com"):
        body = {"email": email}
        costs.append(statements(lambda body=body: call("POST", "/v1/email/resend", body)))
    assert costs[0] == costs[1] == costs[2]
    assert OutboxMail.objects.count() == 3  # two of them concern no account


def test_a_strangers_registration_keeps_no_address_from_who_proves_it(token: str) -> None:
    call("POST", "/v1/register", {"email": NEW, "password": "the password of a stranger"})
    stolen = mailed_token(NEW)
    ask(token)
    assert confirm(mailed_token(NEW)).status_code == 200
    assert User.objects.get(email=NEW).name == "Ada"
    form = {"token": stolen, "password": "the password of a stranger"}
    assert call("POST", "/v1/email/verify", form).status_code == 400


def test_who_proves_it_first_has_it(token: str) -> None:
    ask(token)
    mailed = mailed_token(NEW)
    make_user(NEW)
    assert confirm(mailed).status_code == 400
    assert login(OLD).status_code == 200


@pytest.mark.parametrize("email", [OLD, "Ada@Example.com", "x", "a@b@c.example", "a" * 321])
def test_what_is_no_other_address_is_refused(token: str, email: str) -> None:
    answer = ask(token, email)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])
    assert not sent_mails()


def test_resending_works_for_who_waits_and_tells_nobody_else() -> None:
    make_user("known@example.com")
    call("POST", "/v1/register", {"email": NEW, "password": PASSWORD})
    first = mailed_token(NEW)
    answers = [
        call("POST", "/v1/email/resend", {"email": email})
        for email in (NEW, "known@example.com", "nobody@example.com")
    ]
    assert len({(a.status_code, a.content) for a in answers}) == 1
    assert [m.to for m in sent_mails()] == [[NEW], [NEW]]
    form = {"token": mailed_token(NEW), "password": PASSWORD}
    assert call("POST", "/v1/email/verify", form).status_code == 200
    assert call("POST", "/v1/email/verify", {**form, "token": first}).status_code == 400


def test_a_missing_password_is_not_a_failed_attempt(token: str) -> None:
    """At first the page sends only the token, and asks for the password if it is needed."""
    ask(token)
    mailed = mailed_token(NEW)
    for _ in range(12):
        answer = call("POST", "/v1/email/confirm", {"token": mailed})
        assert answer.status_code == 401, answer.content
    assert confirm(mailed).status_code == 200
