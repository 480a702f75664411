"""The outbox: with the change or not at all, never lost, and no answer waits for it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from auth_api.mail.models import OutboxMail
from auth_api.mail.outbox import (
    ANSWERS,
    FEWEST_TRIES,
    PATIENCE,
    queue_mail,
    queue_request,
    send_due_mails,
)
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.backend import backend
from auth_api.users.models import User
from tests.auth_api.http import call
from tests.auth_api.logs import logged, names_of
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.auth_api.users.admin_browser import AdminBrowser
from tests.mailbox import Mailbox
from tests.processes import ROOT, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with Mailbox() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


def queue(**changes: Any) -> None:
    mail = {"to": "ada@example.com", "template": "account_deleted", "subject": "Gone", **changes}
    queue_mail(**mail)


def make_due() -> None:
    OutboxMail.objects.update(due_at=timezone.now())


def test_a_mail_arrives_in_text_and_html_and_leaves_no_row(mailbox: Mailbox) -> None:
    queue()
    call_command("send_mail_outbox")
    (mail,) = mailbox.mails
    assert (mail.to, mail.subject) == ("ada@example.com", "Gone")
    assert "Your account at localhost was deleted" in mail.text
    assert "<p>Your account at localhost was deleted" in mail.html
    assert not OutboxMail.objects.exists()


def test_a_mail_says_that_a_program_wrote_it_and_where_it_is_from(
    mailbox: Mailbox, settings: Any
) -> None:
    settings.DEFAULT_FROM_EMAIL = "Example Shop <noreply@shop.example>"
    queue()
    call_command("send_mail_outbox")
    (mail,) = mailbox.mails
    assert mail.headers["Auto-Submitted"] == "auto-generated"
    assert mail.headers["Message-ID"].endswith("@shop.example>")


def test_a_mail_that_is_sent_twice_has_one_message_id(mailbox: Mailbox) -> None:
    """Mail programs then show it once."""
    queue()
    row = OutboxMail.objects.get()
    send_due_mails()
    row.save(force_insert=True)  # as if the sender had died before it deleted the row
    send_due_mails()
    queue()
    send_due_mails()
    first, again, other = (mail.headers["Message-ID"] for mail in mailbox.mails)
    assert first == again != other


def test_a_change_that_rolls_back_mails_nothing(mailbox: Mailbox) -> None:
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)
    assert send_due_mails() == 0


@pytest.mark.parametrize("refusal", ["451 try later", "550 no such user"])
def test_what_a_server_refuses_is_kept_and_tried_later(mailbox: Mailbox, refusal: str) -> None:
    queue()
    mailbox.refuse = refusal
    with logged() as events:
        send_due_mails()
    assert "mail.failed" in names_of(events)
    assert "ada@example.com" not in str(events)
    kept = OutboxMail.objects.get()
    assert (kept.tries, kept.last_error) == (1, "SMTPDataError")
    assert kept.due_at is not None
    assert kept.due_at > timezone.now() + timedelta(seconds=100)
    assert send_due_mails() == 0  # not due yet
    mailbox.refuse = ""
    make_due()
    send_due_mails()
    assert len(mailbox.mails) == 1


def test_a_server_that_is_not_there_loses_nothing(settings: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
        queue()
        send_due_mails()
    assert OutboxMail.objects.get().last_error == "ConnectionRefusedError"


def test_the_delays_grow_up_to_an_hour(mailbox: Mailbox) -> None:
    queue()
    mailbox.refuse = "451 try later"
    delays = []
    for _ in range(10):
        make_due()
        start = timezone.now()
        send_due_mails()
        due = OutboxMail.objects.get().due_at
        assert due
        delays.append(round((due - start).total_seconds(), -1))
    assert delays[:4] == [120, 240, 480, 960]
    assert delays[-1] == 3600


def test_after_three_days_it_is_given_up_aloud_and_kept_for_operators(mailbox: Mailbox) -> None:
    queue()
    mailbox.refuse = "451 try later"
    OutboxMail.objects.update(created_at=timezone.now() - PATIENCE - timedelta(minutes=1))
    for _ in range(FEWEST_TRIES):  # a sender that was away for days gives up nothing at once
        send_due_mails()
        make_due()
    with logged() as events:
        send_due_mails()
    assert "mail.given_up" in names_of(events)
    assert OutboxMail.objects.get().due_at is None
    assert send_due_mails() == 0


def test_two_senders_send_a_mail_once(mailbox: Mailbox) -> None:
    queue()
    stale = list(OutboxMail.objects.all())
    send_due_mails()
    queue()
    from auth_api.mail.outbox import _claim

    first, again = OutboxMail.objects.get(), OutboxMail.objects.get()
    assert [_claim(mail) for mail in (*stale, first, again)] == [False, True, False]


def test_the_row_holds_no_token(mailbox: Mailbox) -> None:
    make_user("ada@example.com")
    call("POST", "/v1/password/forgot", {"email": "ada@example.com"})
    send_due_mails()  # answers the request, which writes a mail with a link
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM mail_outboxmail")
        row = str(cursor.fetchall())
    while send_due_mails():
        pass
    signature = mailbox.mails[0].token.rpartition(":")[2]
    assert "reset" in row
    assert signature not in row


def test_no_answer_waits_for_a_mail_server(settings: Any) -> None:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        form = {"email": "new@example.com", "password": PASSWORD}
        assert call("POST", "/v1/register", form).status_code == 202
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody called
            silent.accept()


def test_a_request_is_answered_later_and_leaves_no_row(mailbox: Mailbox) -> None:
    make_user("ada@example.com")
    for email in ("ada@example.com", "nobody@example.com"):
        call("POST", "/v1/password/forgot", {"email": email})
    while send_due_mails():
        pass
    assert [mail.to for mail in mailbox.mails] == ["ada@example.com"]
    assert not OutboxMail.objects.exists()


def test_a_request_that_cannot_be_answered_is_kept_and_leaves_nothing_half_done(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replacing an earlier registration needs Redis."""
    form = {"email": "new@example.com", "password": PASSWORD}
    for name in ("Ada", "Eve"):
        assert call("POST", "/v1/register", {**form, "name": name}).status_code == 202
        if name == "Ada":
            send_due_mails()

    def away(*_: object, **__: object) -> None:
        raise SessionStoreUnavailable("away")

    with monkeypatch.context() as outage:
        outage.setattr(backend, "fence_snapshot", away)
        send_due_mails()
    assert User.objects.get().name == "Ada"
    assert OutboxMail.objects.get(request="register").last_error == "SessionStoreUnavailable"
    make_due()
    send_due_mails()
    assert User.objects.get().name == "Eve"


def test_an_answer_that_fails_halfway_mails_nothing(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(email: str, _: Any) -> None:
        queue(to=email)
        raise ValueError

    monkeypatch.setitem(ANSWERS, "two steps", answer)
    queue_request("two steps", to="ada@example.com")
    send_due_mails()
    assert OutboxMail.objects.get().request == "two steps"


def test_a_request_that_is_given_up_is_not_kept(mailbox: Mailbox) -> None:
    """It may hold the hash of a password, and it will never be answered."""
    queue_request("of the next release", to="ada@example.com", password="argon2$")
    OutboxMail.objects.update(created_at=timezone.now() - PATIENCE - timedelta(minutes=1))
    with logged() as events:
        for _ in range(FEWEST_TRIES + 1):
            make_due()
            send_due_mails()
    assert names_of(events)[-1] == "mail.given_up"
    assert not OutboxMail.objects.exists()


def test_staff_see_no_hash_in_a_request() -> None:
    form = {"email": "new@example.com", "password": PASSWORD}
    call("POST", "/v1/register", form)
    User.objects.create_superuser("root@example.com", PASSWORD)
    root = AdminBrowser()
    root.login("root@example.com")
    row = OutboxMail.objects.get()
    for page in ("", f"{row.pk}/change/"):
        text = root.get(f"/admin/mail/outboxmail/{page}").content.decode()
        assert "new@example.com" in text
        assert "argon2" not in text


@pytest.mark.slow
def test_the_loop_sends_and_stops_when_told(tmp_path: Any) -> None:
    """The process of the Procfile, on a database of its own."""
    with Mailbox() as mailbox:
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{tmp_path}/users.sqlite3",
            "EMAIL_URL": mailbox.url,
        }
        manage = [sys.executable, "manage.py"]
        subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        script = (
            "from auth_api.mail.outbox import queue_mail;"
            "queue_mail(to='ada@example.com', template='account_deleted', subject='Gone')"
        )
        loop = subprocess.Popen([*manage, "send_mail_outbox", "--loop"], cwd=ROOT, env=environment)
        try:
            subprocess.run([*manage, "shell", "-c", script], cwd=ROOT, env=environment, check=True)
            assert mailbox.wait_for("ada@example.com").subject == "Gone"
        finally:
            loop.send_signal(signal.SIGTERM)
        assert wait_for(lambda: loop.poll() is not None, "the loop to end")
        assert loop.returncode == 0


def test_a_mail_whose_link_is_dead_is_not_sent(mailbox: Mailbox) -> None:
    """Its lifetime counts from the request, even if that is answered late."""
    make_user("ada@example.com")
    call("POST", "/v1/password/forgot", {"email": "ada@example.com"})
    OutboxMail.objects.update(created_at=timezone.now() - timedelta(seconds=1801))
    with logged() as events:
        while send_due_mails():
            pass
    assert "mail.too_late" in names_of(events)
    assert (mailbox.mails, OutboxMail.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/v1/password/forgot", {}),
        ("/v1/email/resend", {}),
        ("/v1/register", {"password": PASSWORD}),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_a_newer_request_replaces_one_that_could_not_be_answered(
    path: str, form: dict[str, str]
) -> None:
    """Otherwise it could be answered later, and invalidate the newer one's link."""
    for email in ("ada@example.com", "bob@example.com"):
        assert call("POST", path, {"email": email, **form}).status_code == 202
    OutboxMail.objects.update(tries=1, last_error="SessionStoreUnavailable")
    assert call("POST", path, {"email": "Ada@Example.com", **form}).status_code == 202
    waiting = OutboxMail.objects.order_by("pk").values_list("to", flat=True)
    assert list(waiting) == ["bob@example.com", "Ada@example.com"]
