"""A deletion waits: until it is due the owner can keep the account, and then it is erased."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from auth_api.errors import InvalidToken
from auth_api.security_log.writer import writer
from auth_api.sessions.exceptions import SessionEnded, SessionStoreUnavailable
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.services import end_all_sessions, start_session
from auth_api.users.flows import deletion
from auth_api.users.flows.deletion import due_accounts, erase_due_accounts, keep_account
from auth_api.users.models import User
from auth_api.users.tokens import keep_token
from tests.auth_api.factors import enrol, finish, login, signin_token
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user, request_with
from tests.auth_api.users.admin_browser import AdminBrowser
from tests.auth_api.users.stranger import OWN, STRANGE, Stranger, disown, restore

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = "Your account at localhost will be deleted"
LONG_AGO = timedelta(days=1)


@pytest.fixture
def user() -> User:
    found: User = make_user(OWN)
    return found


def delete(token: str, email: str = OWN) -> str:
    """Ask to delete the account of a session; return when it will be."""
    answer = call("DELETE", "/v1/account", {"email": email}, token=token)
    assert answer.status_code == 202
    at: str = answer.json()["deletes_at"]
    return at


def keep(token: str) -> int:
    return int(call("POST", "/v1/account/keep", {"token": token}).status_code)


def kinds_of(user: User) -> list[str]:
    writer.drain()
    return [str(kind) for kind in user.security_events.values_list("kind", flat=True)]


def make_due(**who: Any) -> None:
    User.objects.filter(**who).update(deletion_at=timezone.now() - LONG_AGO)


def test_an_account_that_waits_has_no_sessions_and_a_taken_address(user: User) -> None:
    mine, elsewhere = session_token(login()), session_token(login())
    at = delete(mine)
    for token in (mine, elsewhere):
        assert call("GET", "/v1/session", token=token).status_code == 401
        assert call("GET", "/v1/account/export", token=token).status_code == 401
    answer = login()
    assert (answer.status_code, answer.json()["type"]) == (
        403,
        "urn:gatehouse:problem:deletion-pending",
    )
    assert answer.json()["deletes_at"] == at
    assert not answer.cookies
    assert login(password="not the password").json()["type"].endswith("invalid-credentials")
    call("POST", "/v1/register", {"email": OWN, "password": "seven maps of an island"})
    assert [m.subject for m in sent_mails()] == [ASKED, "You already have an account at localhost"]
    assert User.objects.get().pk == user.pk


def test_the_engine_starts_no_session_of_it(user: User) -> None:
    delete(session_token(login()))
    user.refresh_from_db()
    with pytest.raises(SessionEnded):
        start_session(request_with(None), user, remember=False, methods=("pwd",))


def test_the_engine_accepts_no_session_of_it(user: User, redis_client: Any) -> None:
    """Even if the sessions had not been ended."""
    token = session_token(login())
    QuerySet.update(User.objects.all(), deletion_at=timezone.now() + LONG_AGO)
    redis_client.delete(f"gh:{{{user.session_ref}}}:card")
    assert call("GET", "/v1/session", token=token).status_code == 401


def test_the_admin_lets_nobody_in_who_waits(user: User) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    delete(session_token(login()))
    assert AdminBrowser().login(OWN).status_code == 200  # the form again


def test_the_mailed_link_keeps_it_once_and_signs_nobody_in(user: User) -> None:
    delete(session_token(login()))
    [mail] = sent_mails()
    assert "Until then, nobody can use it." in mail.body
    link = mailed_token(OWN, ASKED)
    answer = call("POST", "/v1/account/keep", {"token": link})
    assert answer.status_code == 200
    assert not answer.cookies
    assert keep(link) == 400
    assert login().status_code == 200
    assert sent_mails()[-1].subject == "Your account at localhost will not be deleted"
    assert {"account.deletion_asked", "account.kept"} <= set(kinds_of(user))


def test_a_later_request_makes_earlier_links_void(user: User) -> None:
    delete(session_token(login()))
    first = mailed_token(OWN, ASKED)
    assert keep(first) == 200
    delete(session_token(login()))
    assert keep(first) == 400


def test_signing_in_offers_to_keep_it(user: User) -> None:
    delete(session_token(login()))
    assert keep(login().json()["keep_token"]) == 200
    assert login().status_code == 200


def test_a_password_alone_keeps_no_account_with_a_second_factor(user: User) -> None:
    app, token = enrol(session_token(login()))
    delete(token)
    pending = signin_token(login())  # no token yet: a code is asked for first
    answer = finish(pending, app.code())
    assert answer.json()["type"].endswith("deletion-pending")
    assert "__Host-session" not in answer.cookies
    assert finish(pending, app.code()).json()["type"].endswith("sign-in-expired")
    assert keep(answer.json()["keep_token"]) == 200


def test_who_must_set_up_a_second_factor_is_asked_to_keep_the_account_first(
    user: User, settings: Any
) -> None:
    delete(session_token(login()))
    settings.GATEHOUSE = replace(settings.GATEHOUSE, second_factor="all")
    assert login().json()["type"].endswith("deletion-pending")
    assert keep(login().json()["keep_token"]) == 200
    assert login().json()["pending"]["purpose"] == "enrol"


def test_this_was_not_me_keeps_it(owner: User, stranger: Stranger) -> None:
    link = mailed_token(OWN, "New sign-in to your account at localhost")
    delete(stranger.token)
    assert disown(link) == 200
    owner.refresh_from_db()
    assert (owner.deletion_at, owner.has_usable_password()) == (None, False)


def test_a_restored_address_keeps_it(owner: User, stranger: Stranger) -> None:
    stranger.move_to(STRANGE)
    stranger.sign_in(STRANGE)
    delete(stranger.token, STRANGE)
    assert restore(mailed_token(OWN, "Your e-mail address was changed")) == 200
    owner.refresh_from_db()
    assert (owner.email, owner.deletion_at) == (OWN, None)


def test_a_former_address_gets_a_link_too(owner: User, stranger: Stranger) -> None:
    stranger.move_to(STRANGE)
    stranger.sign_in(STRANGE)
    delete(stranger.token, STRANGE)
    assert keep(mailed_token(OWN, ASKED)) == 200


def test_what_staff_deactivate_is_neither_kept_nor_erased(user: User) -> None:
    delete(session_token(login()))
    make_due()
    token = login().json()["keep_token"]
    User.objects.update(is_active=False)
    assert keep(token) == 400
    assert login().json()["type"].endswith("invalid-credentials")
    assert erase_due_accounts() == 0
    User.objects.update(is_active=True)
    assert erase_due_accounts() == 1


@pytest.mark.parametrize("command", ["send_mail_outbox", "prune"])
def test_what_is_due_is_erased_with_everything(user: User, command: str, redis_client: Any) -> None:
    make_user("other@example.com")
    delete(session_token(login()))
    call_command(command, stdout=io.StringIO())
    assert User.objects.count() == 2  # not due yet
    make_due(email=OWN)
    call_command(command, stdout=io.StringIO())
    call_command(command, stdout=io.StringIO())
    assert [u.email for u in User.objects.all()] == ["other@example.com"]
    last = [m for m in sent_mails() if m.subject == "Your account at localhost was deleted"]
    assert [m.to for m in last] == [[OWN]]
    assert not list(redis_client.scan_iter(f"gh:{{{user.session_ref}}}:s:*"))


def test_prune_counts_what_is_due_without_deleting_it(user: User) -> None:
    make_due()
    out = io.StringIO()
    call_command("prune", "--dry-run", stdout=out)
    assert "1 accounts whose deletion was due would be deleted" in out.getvalue()
    assert due_accounts().count() == 1


def test_many_are_erased_in_batches_and_a_stopped_run_goes_on(monkeypatch: Any) -> None:
    for number in range(5):
        make_user(f"ada{number}@example.com")
    make_due()
    monkeypatch.setattr(deletion, "BATCH", 2)
    fence, tries = backend.fence_snapshots, iter(range(10))

    def third_fails(*args: Any, **options: Any) -> Any:
        if next(tries) == 2:
            raise SessionStoreUnavailable("away")
        return fence(*args, **options)

    monkeypatch.setattr(backend, "fence_snapshots", third_fails)
    with pytest.raises(SessionStoreUnavailable):
        erase_due_accounts()
    assert User.objects.count() == 3
    assert erase_due_accounts() == 3


def test_a_session_that_was_ended_meanwhile_deletes_nothing(user: User, monkeypatch: Any) -> None:
    """The owner's "this was not me" may come between the check of the session and the deletion."""
    token = session_token(login())
    monkeypatch.setattr(
        "auth_api.api.own_account.require_no_hold", lambda _: end_all_sessions(user)
    )
    answer = call("DELETE", "/v1/account", {"email": OWN}, token=token)
    assert answer.json()["type"].endswith("session-ended")
    assert User.objects.get().deletion_at is None


def test_of_keeping_and_erasing_one_wins(user: User) -> None:
    outcomes = set()
    for _ in range(6):
        User.objects.all().delete()
        ada: User = make_user(OWN)
        due = timezone.now() - LONG_AGO
        User.objects.update(deletion_at=due)
        kept, erased = at_the_same_time(ada, keep_token(ada, due))
        assert kept != bool(erased)
        assert User.objects.filter(pk=ada.pk, deletion_at=None).exists() == kept
        outcomes.add(kept)
    assert outcomes


def at_the_same_time(user: User, token: str) -> tuple[bool, int]:
    """Keep and erase in two threads; return whether it was kept, and how many were erased."""
    together = threading.Barrier(2)

    def keeps() -> bool:
        together.wait(30)
        try:
            keep_account(token=token)
        except InvalidToken:
            return False
        finally:
            connection.close()
        return True

    def erases() -> int:
        together.wait(30)
        try:
            return erase_due_accounts()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        kept, erased = pool.submit(keeps), pool.submit(erases)
        return kept.result(), erased.result()


def test_a_wrong_password_does_not_tell_that_an_account_waits(user: User) -> None:
    before = login(password="not the password").json()
    delete(session_token(login(password=PASSWORD)))
    after = login(password="not the password").json()
    assert {**before, "request_id": ""} == {**after, "request_id": ""}
