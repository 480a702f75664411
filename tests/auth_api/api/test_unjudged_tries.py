"""An outage, a full worker or a passed deadline costs nobody a try, at any door, and gives none away."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from auth_api.deadline import DeadlinePassed
from auth_api.errors import Overloaded
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.throttling import CLIENT_MAILS, NEW_PASSWORDS
from auth_api.tries import FREE_TRIES
from auth_api.users.flows.invitation import invite
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token
from tests.auth_api.outages import no_database
from tests.auth_api.sessions.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL, NEW = "ada@example.com", "nine green bottles on a wall"
REASONS = [Overloaded, DeadlinePassed, OperationalError]
Break = Callable[[type[Exception]], None]


@pytest.fixture
def before_hashing(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Return a function that makes every check of a password fail before it compares anything."""

    def fail(reason: type[Exception]) -> None:
        def refuse(*_: Any, **__: Any) -> Any:
            raise reason

        monkeypatch.setattr("auth_api.users.backends.matches", refuse)
        monkeypatch.setattr("auth_api.users.services.matches", refuse)

    return fail


def login(password: str = PASSWORD) -> int:
    form = {"email": EMAIL, "password": password}
    return int(call("POST", "/v1/login", form).status_code)


def tries(door: Callable[[], int], times: int = FREE_TRIES + 2) -> set[int]:
    return {door() for _ in range(times)}


@pytest.mark.parametrize("reason", REASONS)
def test_sign_in(
    user: Any, before_hashing: Break, monkeypatch: pytest.MonkeyPatch, reason: type[Exception]
) -> None:
    before_hashing(reason)
    assert tries(login) == {503}
    monkeypatch.undo()
    assert login() == 200


@pytest.mark.parametrize("reason", REASONS)
def test_authentication_again(
    user: Any, before_hashing: Break, monkeypatch: pytest.MonkeyPatch, reason: type[Exception]
) -> None:
    token = session_token(call("POST", "/v1/login", {"email": EMAIL, "password": PASSWORD}))
    form = {"password": PASSWORD}

    def door() -> int:
        return int(call("POST", "/v1/reauthenticate", form, token=token).status_code)

    before_hashing(reason)
    assert tries(door) == {503}
    monkeypatch.undo()
    assert door() == 200


@pytest.mark.parametrize("reason", REASONS)
def test_a_change_of_password(
    user: Any, before_hashing: Break, monkeypatch: pytest.MonkeyPatch, reason: type[Exception]
) -> None:
    """Its counter of new passwords, too: none was evaluated."""
    token = session_token(call("POST", "/v1/login", {"email": EMAIL, "password": PASSWORD}))
    form = {"current_password": PASSWORD, "new_password": NEW}

    def door() -> int:
        return int(call("POST", "/v1/password/change", form, token=token).status_code)

    before_hashing(reason)
    assert tries(door, NEW_PASSWORDS + 2) == {503}
    monkeypatch.undo()
    assert door() == 200


@pytest.mark.parametrize("reason", REASONS)
def test_the_link_of_a_registration(
    before_hashing: Break, monkeypatch: pytest.MonkeyPatch, reason: type[Exception]
) -> None:
    call("POST", "/v1/register", {"email": EMAIL, "password": PASSWORD})
    form = {"token": mailed_token(EMAIL), "password": PASSWORD}

    def door() -> int:
        return int(call("POST", "/v1/email/verify", form).status_code)

    before_hashing(reason)
    assert tries(door) == {503}
    monkeypatch.undo()
    assert door() == 200


@pytest.mark.parametrize("reason", REASONS)
def test_the_link_of_an_invitation(
    monkeypatch: pytest.MonkeyPatch, reason: type[Exception]
) -> None:
    invite(email=EMAIL)
    form = {"token": mailed_token(EMAIL), "password": PASSWORD, "name": "Ada"}

    def door() -> int:
        return int(call("POST", "/v1/invitations/accept", form).status_code)

    def refuse(*_: Any, **__: Any) -> Any:
        raise reason

    monkeypatch.setattr("auth_api.users.flows.invitation.read_invitation_token", refuse)
    assert tries(door, NEW_PASSWORDS + 2) == {503}
    monkeypatch.undo()
    assert door() == 200


def test_the_admin(user: Any, before_hashing: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shares the sign-in's counters."""
    before_hashing(Overloaded)
    form = {"username": EMAIL, "password": PASSWORD}

    def door() -> int:
        client = Client(raise_request_exception=False)
        return int(client.post("/admin/login/", form, REMOTE_ADDR="203.0.113.7").status_code)

    assert tries(door) == {200}  # the form again
    monkeypatch.undo()
    assert login() == 200


@pytest.mark.parametrize("path", ["/v1/password/forgot", "/v1/email/resend"])
def test_a_wish_for_a_mail_that_could_not_be_stored(
    user: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def door() -> int:
        return int(call("POST", path, {"email": EMAIL}).status_code)

    monkeypatch.setattr("auth_api.mail.outbox.OutboxMail.objects.create", no_database)
    assert tries(door, CLIENT_MAILS + 2) == {503}
    monkeypatch.undo()
    assert door() == 202


def test_a_change_that_could_not_be_stored(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = session_token(call("POST", "/v1/login", {"email": EMAIL, "password": PASSWORD}))

    def door() -> int:
        return int(call("PATCH", "/v1/account", {"name": "Ada"}, token=token).status_code)

    monkeypatch.setattr("auth_api.throttling.CHANGES", 2)
    with monkeypatch.context() as patch:
        patch.setattr("auth_api.users.flows.name.locked_user", no_database)
        assert tries(door) == {503}
    assert door() == 204


# -- and what is judged counts ----------------------------------------------------------------------


def test_a_wrong_password_counts_when_redis_fails_right_after_it(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: Any) -> Any:
        raise SessionStoreUnavailable("gone")

    monkeypatch.setattr("auth_api.throttling.count", unavailable)
    assert [login("wrong") for _ in range(FREE_TRIES)] == [503] * FREE_TRIES
    monkeypatch.undo()
    assert login() == 429


@pytest.mark.parametrize("reason", REASONS)
def test_a_right_password_opens_though_it_cannot_be_hashed_anew(
    user: Any, monkeypatch: pytest.MonkeyPatch, reason: type[Exception]
) -> None:
    """After the comparison: a 503 here would tell that the password is right."""

    def refuse(*_: Any) -> Any:
        raise reason

    stored = User.objects.get().password
    monkeypatch.setattr("auth_api.users.models.make_password", refuse)
    monkeypatch.setattr(
        "auth_api.users.passwords.hashing.Argon2idHasher.must_update", lambda *_: True
    )
    assert login() == 200
    assert User.objects.get().password == stored
