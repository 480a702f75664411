"""Mails: to the stored address, in our words, and never the reason for another answer."""

from dataclasses import replace
from typing import Any

import pytest
from django.core import mail
from django.template.loader import render_to_string

from auth_api.settings.email import sender_with_name
from auth_api.users.models import User
from auth_api.users.names import name_for_mail
from tests.auth_api.http import call
from tests.auth_api.mails import sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.processes import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
FORM = {"email": "new@example.com", "password": PASSWORD, "name": "Ada"}


def test_a_stranger_cannot_put_words_into_the_mail() -> None:
    call("POST", "/v1/register", {**FORM, "name": "You won! https://evil.example"})
    (message,) = sent_mails()
    assert isinstance(message, mail.EmailMultiAlternatives)
    for text in (message.body, message.alternatives[0][0], message.subject):
        assert "evil.example" not in str(text)


TEMPLATES = sorted(path.stem for path in (ROOT / "templates/auth_api/emails").glob("*.txt"))


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "base"])
def test_every_mail_greets_the_person_and_names_the_site(template: str) -> None:
    context = {"person": "Ada & Bob", "site": "Example Shop"}
    text = render_to_string(f"emails/{template}.txt", context)
    assert text.startswith("Hi Ada & Bob,\n\n")
    html = render_to_string(f"emails/{template}.html", context)
    assert "<p>Hi Ada &amp; Bob,</p>" in html
    assert "Example Shop" in text
    assert "Example Shop" in html


def test_a_reset_says_whose_account_and_where(settings: Any) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, site_name="Example Shop")
    make_user("ada@example.com")
    call("POST", "/v1/password/forgot", {"email": "ada@example.com"})
    (message,) = sent_mails()
    assert message.subject == "Set a new password for Example Shop"
    assert message.body.startswith(
        "Hi Ada,\n\nSomeone asked to reset the password of your account at Example Shop."
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("J. R. R. Tolkien", "J. R. R. Tolkien"),
        ("J.R.R. Tolkien", "J.R.R. Tolkien"),
        ("O'Brien-Łukasz 2nd", "O'Brien-Łukasz 2nd"),
        ("see https://evil.example", ""),
        ("evil.example", ""),
        ("evil\u3002example", ""),
        ("evil\uff0eexample", ""),
        ("a@evil.example", ""),
        ("<a href=x>Ada</a>", ""),
        ("[Ada](x)", ""),
        ("Call 0800 123456", ""),
        ("\u202eadA", ""),
        ("A" * 61, ""),
    ],
)
def test_a_name_that_could_become_a_link_is_left_out(name: str, shown: str) -> None:
    assert name_for_mail(name) == shown


def test_nobody_is_greeted_by_name_before_the_address_is_confirmed() -> None:
    call("POST", "/v1/register", FORM)
    sent_mails()
    call("POST", "/v1/password/forgot", {"email": FORM["email"]})
    for message in sent_mails():
        assert message.body.startswith("Hello,\n")
    assert len(mail.outbox) == 2


def test_such_a_name_is_not_used_to_greet() -> None:
    make_user("ada@example.com")
    User.objects.update(name="Open evil.example now")
    call("POST", "/v1/password/forgot", {"email": "ada@example.com"})
    assert sent_mails()[0].body.startswith("Hello,\n")


def test_the_sender_is_named_after_the_site_unless_it_has_a_name() -> None:
    assert sender_with_name("a@shop.example", "Shop, Inc.") == '"Shop, Inc." <a@shop.example>'
    assert sender_with_name("Help <a@shop.example>", "Shop") == "Help <a@shop.example>"
    sent = mail.EmailMessage(from_email=sender_with_name("a@shop.example", "Bücher")).message()
    assert str(sent["From"]) == "=?utf-8?q?B=C3=BCcher?= <a@shop.example>"


def test_the_mail_goes_to_the_stored_address_only() -> None:
    make_user("kim@example.com")
    call("POST", "/v1/register", {**FORM, "email": "KIM@Example.com"})
    look_alike = {**FORM, "email": "\u212aIM@Example.com"}  # the Kelvin sign
    assert call("POST", "/v1/register", look_alike).status_code == 400
    assert [message.to for message in sent_mails()] == [["kim@example.com"]]
    assert User.objects.count() == 1
