"""Mails: to the stored address, in our words, and never the reason for another answer."""

import pytest
from django.core import mail

from auth_api.users.models import User
from tests.auth_api.http import call
from tests.auth_api.mails import sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)
FORM = {"email": "new@example.com", "password": PASSWORD, "name": "Ada"}


def test_a_stranger_cannot_put_words_into_the_mail() -> None:
    call("POST", "/v1/register", {**FORM, "name": "You won! https://evil.example"})
    (message,) = sent_mails()
    assert isinstance(message, mail.EmailMultiAlternatives)
    for text in (message.body, message.alternatives[0][0], message.subject):
        assert "evil.example" not in str(text)


def test_the_mail_goes_to_the_stored_address_only() -> None:
    make_user("kim@example.com")
    call("POST", "/v1/register", {**FORM, "email": "KIM@Example.com"})
    look_alike = {**FORM, "email": "\u212aIM@Example.com"}  # the Kelvin sign
    assert call("POST", "/v1/register", look_alike).status_code == 400
    assert [message.to for message in sent_mails()] == [["kim@example.com"]]
    assert User.objects.count() == 1
