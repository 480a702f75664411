"""Changes that happen while a password is hashed, or between two steps of a call."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection, transaction
from django.utils import timezone

from auth_api.security_log.writer import writer
from auth_api.sessions import services
from auth_api.sessions.exceptions import SessionEnded
from auth_api.users.flows.password import change_password, reset_password
from auth_api.users.flows.registration import answer_registration
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.interruptions import during_hashes, nothing
from tests.auth_api.locks import somebody_waits
from tests.auth_api.mails import mailed_token
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, make_user, request_with
from tests.topologies import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "ada@example.com"
NEW, OTHER = "nine green bottles on a wall", "seven maps of a small island"


def forgot() -> str:
    assert call("POST", "/v1/password/forgot", {"email": EMAIL}).status_code == 202
    return mailed_token(EMAIL)


def reset(token: str, password: str) -> Any:
    return call("POST", "/v1/password/reset", {"token": token, "password": password})


def register(password: str) -> Any:
    return call("POST", "/v1/register", {"email": EMAIL, "password": password})


def store(password: str) -> None:
    """Answer a stranger's registration as the outbox's sender does, possibly concurrently."""
    hashed = Argon2PasswordHasher().encode(password, "salt" * 5)
    with transaction.atomic():
        answer_registration(EMAIL, timezone.now(), password=hashed, name="")


def verify(token: str, password: str) -> Any:
    return call("POST", "/v1/email/verify", {"token": token, "password": password})


def login(password: str) -> Any:
    return call("POST", "/v1/login", {"email": EMAIL, "password": password})


def opens(password: str) -> bool:
    return bool(login(password).status_code == 200)


def change(token: str, new: str = NEW) -> Any:
    form = {"current_password": PASSWORD, "new_password": new}
    return call("POST", "/v1/password/change", form, token=token)


with_locks = pytest.mark.skipif(
    not connection.features.has_select_for_update, reason="SQLite has one writer at a time"
)


def while_it_is_written(write: Callable[[], Any], ask: Callable[[], Any]) -> Any:
    """Return the answer to a call made while a change is written but not yet committed."""
    answers = []

    def call_and_close() -> None:
        try:
            answers.append(ask())
        finally:
            connection.close()

    thread = threading.Thread(target=call_and_close, daemon=True)
    assert writer.drain()  # otherwise the log may be waiting for the row
    with transaction.atomic():
        write()
        thread.start()
        wait_for(lambda: not thread.is_alive() or somebody_waits(), "the call to wait or end")
    thread.join()
    [answer] = answers
    return answer


# -- mailed links ---------------------------------------------------------------------------------


def test_a_link_that_was_used_while_its_new_password_was_hashed_is_refused(
    user: Any, settings: Any
) -> None:
    token = forgot()
    with during_hashes(settings, lambda: reset(token, OTHER)):
        answer = reset(token, NEW)
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-token"
    assert (opens(OTHER), opens(NEW)) == (True, False)


@with_locks
def test_two_uses_of_one_link_wait_for_each_other(user: Any) -> None:
    """The second one has hashed its password before the first one commits."""
    token = forgot()
    answer = while_it_is_written(
        lambda: reset_password(token=token, password=NEW, address="198.51.100.9"),
        lambda: reset(token, OTHER),
    )
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-token"
    assert (opens(NEW), opens(OTHER)) == (True, False)


@with_locks
def test_a_newer_registration_that_is_being_written_kills_the_older_link() -> None:
    """Otherwise the owner's click would open the account to the stranger's password."""
    register(PASSWORD)
    token = mailed_token(EMAIL)
    answer = while_it_is_written(lambda: store(NEW), lambda: verify(token, PASSWORD))
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-token"
    assert not User.objects.get().email_verified


@with_locks
def test_a_change_of_password_that_is_being_written_stops_a_change_of_address(user: Any) -> None:
    signed_in = session_token(login(PASSWORD))
    wish = {"email": "countess@example.com"}
    assert call("POST", "/v1/email/change", wish, token=signed_in).status_code == 202
    proof = {"token": mailed_token("countess@example.com"), "password": PASSWORD}
    user.set_password(NEW)
    answer = while_it_is_written(user.save, lambda: call("POST", "/v1/email/confirm", proof))
    assert answer.status_code == 400
    assert User.objects.get().email == EMAIL


@with_locks
def test_two_registrations_of_one_address_at_once_are_one_account() -> None:
    """The second one finds no row, but cannot create one either."""
    while_it_is_written(lambda: store(PASSWORD), lambda: store(NEW))
    assert User.objects.count() == 1


def test_a_newer_registration_while_the_password_was_checked_counts(settings: Any) -> None:
    register(PASSWORD)
    token = mailed_token(EMAIL)
    with during_hashes(settings, lambda: store(NEW)):
        answer = verify(token, PASSWORD)
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-token"
    assert not User.objects.get().email_verified
    assert verify(mailed_token(EMAIL), NEW).status_code == 200


# -- a change of password -------------------------------------------------------------------------


def test_the_end_of_all_sessions_while_the_new_password_was_hashed_wins(
    user: Any, settings: Any
) -> None:
    """They may have been ended because of this session: it must not set a password or continue."""
    token = session_token(login(PASSWORD))
    with during_hashes(settings, nothing, lambda: services.end_all_sessions(user)):
        answer = change(token)
    assert answer.status_code == 401
    assert not is_alive(token)
    assert (opens(PASSWORD), opens(NEW)) == (True, False)


def test_an_address_that_moved_meanwhile_does_not_change_the_other_account(user: Any) -> None:
    """The session was valid when the call began; then its address went to an account with the same password."""
    request = request_with(session_token(login(PASSWORD)))
    request.client_address = "203.0.113.7"
    services.current_session(request)
    user.email = "countess@example.com"
    user.save()
    other = make_user(EMAIL)
    with pytest.raises(SessionEnded):
        change_password(request=request, current_password=PASSWORD, new_password=NEW)
    assert User.objects.get(pk=other.pk).password == other.password
    assert (opens(PASSWORD), opens(NEW)) == (True, False)


# -- the name -----------------------------------------------------------------------------


def test_a_reset_that_proves_the_address_takes_the_strangers_name_away() -> None:
    call("POST", "/v1/register", {"email": EMAIL, "password": PASSWORD, "name": "A stranger"})
    assert reset(forgot(), NEW).status_code == 200
    assert User.objects.get().name == ""


def test_a_reset_leaves_the_owners_name_alone(user: Any) -> None:
    assert reset(forgot(), NEW).status_code == 200
    assert User.objects.get().name == "Ada"
