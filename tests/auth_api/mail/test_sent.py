"""`/dev/mail` shows mails to developers, and exists nowhere else."""

from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string

from auth_api.mail.sent import sent_mail, sent_mails
from tests.auth_api.http import call

FILES = "django.core.mail.backends.filebased.EmailBackend"


def send(subject: str, text: str) -> None:
    mail = EmailMultiAlternatives(
        subject, text, to=["ada@example.com"], connection=get_connection(FILES)
    )
    mail.attach_alternative(f"<p>{subject}</p>", "text/html")
    mail.send()


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path


def test_a_mail_is_shown_with_its_links(folder: Path) -> None:
    send("Grüße", "Open https://example.com/a?token=b%3A1 or\nhttps://example.com/c now.")
    (folder / "notes.log").write_text("not a mail")
    [mail] = sent_mails()
    assert (mail.to, mail.subject, mail.html) == ("ada@example.com", "Grüße", "<p>Grüße</p>")
    assert mail.links == ["https://example.com/a?token=b%3A1", "https://example.com/c"]
    assert sent_mail(mail.name) == mail
    assert sent_mail("20260101-000000-1") is None


def test_the_list_repeats_nothing_of_a_mail_as_markup(folder: Path) -> None:
    send("<b>x</b>", '<script>alert(1)</script> https://example.com/"onclick=x')
    page = render_to_string("dev_mail.html", {"mails": sent_mails()})
    assert "<b>" not in page
    assert "<script" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_mails_that_a_server_sends_are_not_here() -> None:
    assert sent_mails() == []


@pytest.mark.parametrize("path", ["/dev/mail", "/dev/mail/20260101-000000-1"])
def test_elsewhere_there_is_no_such_page(folder: Path, path: str) -> None:
    send("Private", "https://example.com/")
    answer = call("GET", path)
    assert answer.status_code == 404
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
