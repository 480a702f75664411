"""Mails: to the stored address, in our words, and never the reason for another answer."""

import socket
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from auth_api.settings.email import email_settings
from auth_api.users.models import User
from tests.auth_api.http import call
from tests.auth_api.logs import logged, names_of
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)
FORM = {"email": "new@example.com", "password": PASSWORD, "name": "Ada"}


def test_a_mail_that_fails_changes_no_answer(settings: Any) -> None:
    good = call("POST", "/v1/register", FORM)
    make_user("known@example.com")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
        with logged() as events:
            answers = [
                call("POST", "/v1/register", {**FORM, "email": email})
                for email in ("other@example.com", "known@example.com")
            ]
    assert all((a.status_code, a.content) == (202, good.content) for a in answers)
    assert names_of(events).count("mail.failed") == 2
    assert "other@example.com" not in str(events)


@pytest.mark.parametrize("folder", ["a-file", "a-file/x"])
def test_a_folder_that_cannot_take_a_mail_changes_no_answer(
    folder: str, settings: Any, tmp_path: Path
) -> None:
    """Django checks the folder when the message is sent; that is a failed mail, not a 500."""
    (tmp_path / "a-file").write_text("")
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / folder)
    assert call("POST", "/v1/register", FORM).status_code == 202


def test_a_stranger_cannot_put_words_into_the_mail() -> None:
    call("POST", "/v1/register", {**FORM, "name": "You won! https://evil.example"})
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    for text in (message.body, message.alternatives[0][0], message.subject):
        assert "evil.example" not in str(text)


def test_the_mail_goes_to_the_stored_address_only() -> None:
    make_user("kim@example.com")
    call("POST", "/v1/register", {**FORM, "email": "\u212aIM@Example.com"})
    assert [message.to for message in mail.outbox] == [["kim@example.com"]]
    assert User.objects.count() == 1


def test_a_slow_mail_server_holds_a_request_for_seconds_only() -> None:
    for url in ("smtp://mail.example", "smtp+tls://u:p@mail.example:587", "smtps://mail.example"):
        assert email_settings(url)["EMAIL_TIMEOUT"] <= 3
