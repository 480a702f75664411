"""What operators can do about second factors."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from auth_api.security_log.models import SecurityEvent
from auth_api.users.models import RecoveryCode, User
from tests.auth_api.factors import enrol, login, recovery_codes
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import sent_mails
from tests.auth_api.sessions.conftest import make_user

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_they_are_listed_and_must_be_enrolled_anew() -> None:
    user = make_user("ada@example.com")
    _, token = enrol(session_token(login()))
    codes = recovery_codes(token)
    listed = run("list_factors", "--email", "ada@example.com")
    assert "Telephone: added" in listed
    assert "10 recovery codes left." in listed
    assert not any(code in listed for code in codes)
    lost = ("--email", "ada@example.com", "--reason", "lost")
    assert run("require_enrolment", *lost).startswith("1 ")
    assert call("GET", "/v1/session", token=token).status_code == 401
    assert login().json()["pending"]["purpose"] == "enrol"
    assert not User.objects.get(pk=user.pk).has_second_factor
    assert not RecoveryCode.objects.exists()
    event = SecurityEvent.objects.get(kind="factor.enrolment_required")
    assert (event.reason, event.by) == ("lost", "system")
    assert "Your second factor was reset" in [mail.subject for mail in sent_mails()]
    with pytest.raises(CommandError):
        run("list_factors", "--email", "nobody@example.com")
