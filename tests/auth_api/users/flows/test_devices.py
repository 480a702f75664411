"""Sign-ins from new devices, and "this was not me"."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail, signing
from django.db import connection
from django.utils import timezone

from auth_api.options import options
from auth_api.security_log.models import SecurityEvent
from auth_api.users.flows import devices as new_devices
from auth_api.users.flows.devices import WARNINGS_A_DAY
from auth_api.users.models import User
from auth_api.users.tokens import DISOWN, RESET
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.mails import mailed_token
from tests.auth_api.mails import sent_mails as all_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.auth_api.users.admin_browser import AdminBrowser

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "ada@example.com"
NEW = "nine green bottles on a wall"
LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"
HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"
SUBJECT = "New sign-in to your account at localhost"


@pytest.fixture
def user() -> User:
    found: User = make_user(EMAIL)
    return found


def login(agent: str = LINUX.format(156), address: str = HOME, password: str = PASSWORD) -> Any:
    headers = {
        "HTTP_GATEHOUSE_CLIENT_USER_AGENT": agent,
        "HTTP_GATEHOUSE_CLIENT_ADDRESS": address,
    }
    return call("POST", "/v1/login", {"email": EMAIL, "password": password}, **headers)


def sent_mails() -> list[Any]:
    """What was sent since the last look."""
    found = list(all_mails())
    mail.outbox.clear()
    return found


def warnings() -> list[Any]:
    return [message for message in sent_mails() if message.subject == SUBJECT]


def disown(token: str) -> Any:
    return call("POST", "/v1/sessions/disown", {"token": token})


def alive(token: str) -> bool:
    return bool(call("GET", "/v1/session", token=token).status_code == 200)


def a_stranger_signs_in() -> tuple[str, str]:
    """Return the stranger's session, and the token that the owner was mailed."""
    login()
    stranger = session_token(login(IPHONE, ELSEWHERE))
    return stranger, mailed_token()


def test_the_first_sign_in_of_a_new_account_is_no_news(user: User) -> None:
    login()
    assert sent_mails() == []


@pytest.mark.parametrize(
    ("agent", "address"),
    [
        (IPHONE, HOME),
        (LINUX.format(156), ELSEWHERE),
        ("", HOME),
        (LINUX.format(156), "2001:db8::1"),
    ],
)
def test_another_kind_of_device_or_network_is_mailed(user: User, agent: str, address: str) -> None:
    login()
    login(agent, address)
    (message,) = warnings()
    assert message.to == [EMAIL]
    assert address in message.body
    login(agent, address)  # from now on it is known
    assert warnings() == []


def test_two_sign_ins_at_once_do_not_make_each_other_known(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    login()
    record = new_devices.record_at_once

    def record_and_be_overtaken(*args: Any, **kwargs: Any) -> Any:
        event = record(*args, **kwargs)
        monkeypatch.setattr(new_devices, "record_at_once", record)
        login(IPHONE, ELSEWHERE)
        return event

    monkeypatch.setattr(new_devices, "record_at_once", record_and_be_overtaken)
    login(IPHONE, ELSEWHERE)
    assert len(warnings()) == 1


@pytest.mark.parametrize(
    ("agent", "address"),
    [(LINUX.format(156), HOME), (LINUX.format(157), HOME), (LINUX.format(156), "203.0.113.200")],
)
def test_a_newer_browser_and_a_neighbouring_address_are_the_same_device(
    user: User, agent: str, address: str
) -> None:
    login()
    login(agent, address)
    assert warnings() == []


def test_the_mail_says_which_device_where_and_when(user: User) -> None:
    login()
    login(IPHONE, ELSEWHERE)
    (message,) = warnings()
    for text in (message.body, message.alternatives[0][0]):
        assert "Mobile Safari 26 on iOS" in text
        assert ELSEWHERE in text
        assert f"{timezone.now().year}, " in text
        assert " UTC" in text


def test_a_device_name_is_no_code_in_the_mail(user: User) -> None:
    login()
    login("<b>x</b>/1.0 <script>", ELSEWHERE)
    (message,) = warnings()
    assert "<script>" not in message.alternatives[0][0]


def test_a_failure_is_no_sign_in(user: User) -> None:
    login()
    login(IPHONE, ELSEWHERE, password="x" * 20)
    assert warnings() == []


def test_an_account_whose_log_was_pruned_is_warned(user: User) -> None:
    long_ago = timezone.now() - timedelta(seconds=options().security_log_keep + 60)
    User.objects.filter(pk=user.pk).update(date_joined=long_ago)
    login()
    assert len(warnings()) == 1


def test_the_admins_door_warns_too() -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    long_ago = timezone.now() - timedelta(days=400)
    User.objects.filter(pk=root.pk).update(date_joined=long_ago)
    AdminBrowser().login("root@example.com")
    (event,) = SecurityEvent.objects.filter(user=root, kind="session.started")
    assert event.reason == "admin, new device"
    assert [message.to for message in warnings()] == [["root@example.com"]]


def test_whoever_has_the_password_bombs_no_mailbox(user: User) -> None:
    login()
    for number in range(WARNINGS_A_DAY + 5):
        login(address=f"198.51.{number}.9")
    assert len(warnings()) == WARNINGS_A_DAY


def test_this_was_not_me_ends_every_session_and_the_password_and_starts_a_reset(
    user: User,
) -> None:
    owner = session_token(login())
    stranger, token = a_stranger_signs_in()
    sent_mails()
    answer = disown(token)
    assert answer.status_code == 200
    assert not answer.cookies
    assert not alive(stranger)
    assert not alive(owner)
    assert login(IPHONE, ELSEWHERE).status_code == 401
    (message,) = sent_mails()
    assert (message.subject, message.to) == ("Set a new password for localhost", [EMAIL])


def test_the_reset_that_it_starts_works_and_the_device_is_strange_again(user: User) -> None:
    _, token = a_stranger_signs_in()
    disown(token)
    reset = {"token": mailed_token(), "password": NEW}
    assert call("POST", "/v1/password/reset", reset).status_code == 200
    sent_mails()
    assert login(password=NEW).status_code == 200
    assert warnings() == []
    login(IPHONE, ELSEWHERE, password=NEW)
    assert len(warnings()) == 1


def used(token: str, user: User) -> str:
    disown(token)
    return token


def after_a_reset(token: str, user: User) -> str:
    call("POST", "/v1/password/forgot", {"email": EMAIL})
    call("POST", "/v1/password/reset", {"token": mailed_token(), "password": NEW})
    return token


def signed(like: str, *claims: Any) -> str:
    """A token with other claims, as long-lived as `like`."""
    return signing.dumps([signing.loads(like, salt=DISOWN.salt)[0], *claims], salt=DISOWN.salt)


def of_another_purpose(token: str, user: User) -> str:
    return signing.dumps(signing.loads(token, salt=DISOWN.salt), salt=RESET.salt)


def of_a_pruned_event(token: str, user: User) -> str:
    SecurityEvent.objects.all().delete()
    return token


def of_another_event(token: str, user: User) -> str:
    user.name = "Ada L."
    user.save()
    event = SecurityEvent.objects.get(kind="name.changed")
    return signed(token, str(user.pk), event.pk, EMAIL)


def of_another_user(token: str, user: User) -> str:
    _, _, sign_in, _ = signing.loads(token, salt=DISOWN.salt)
    return signed(token, str(make_user("bob@example.com").pk), sign_in, EMAIL)


def of_a_deleted_user(token: str, user: User) -> str:
    user.delete()
    return token


def of_an_inactive_user(token: str, user: User) -> str:
    User.objects.filter(pk=user.pk).update(is_active=False)
    return token


BAD: list[Callable[[str, User], str]] = [
    used, after_a_reset, of_another_purpose, of_a_pruned_event, of_another_event, of_another_user,
    of_a_deleted_user, of_an_inactive_user,
    lambda token, _: token[:-1],
    lambda token, _: "",
    lambda token, _: signing.dumps(["x"], salt=DISOWN.salt),
]  # fmt: skip


@pytest.mark.parametrize("make_bad", BAD)
def test_a_bad_token_is_refused_and_does_nothing(
    user: User, make_bad: Callable[[str, User], str]
) -> None:
    _, token = a_stranger_signs_in()
    bad = make_bad(token, user)
    sent_mails()
    before = list(User.objects.values_list("pk", "password", "session_epoch"))
    answer = disown(bad)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-token"
    assert list(User.objects.values_list("pk", "password", "session_epoch")) == before
    assert sent_mails() == []


def test_an_old_token_is_refused(user: User) -> None:
    _, token = a_stranger_signs_in()
    dies_at, *claims = signing.loads(token, salt=DISOWN.salt)
    assert dies_at - time.time() > 7 * 86400 - 60
    old = signing.dumps([dies_at - 7 * 86400, *claims], salt=DISOWN.salt)
    assert disown(old).status_code == 400


def test_the_stranger_cannot_kill_the_link(user: User) -> None:
    """Who signed in knows the password: may end sessions, and change password and name."""
    stranger, token = a_stranger_signs_in()
    call("POST", "/v1/sessions/revoke-all", {}, token=stranger)
    stranger = session_token(login(IPHONE, ELSEWHERE))
    change = {"current_password": PASSWORD, "new_password": NEW}
    stranger = session_token(call("POST", "/v1/password/change", change, token=stranger))
    assert alive(stranger)
    sent_mails()
    assert disown(token).status_code == 200
    assert not alive(stranger)
    assert login(IPHONE, ELSEWHERE, password=NEW).status_code == 401
    assert [message.to for message in sent_mails()] == [[EMAIL]]


def test_it_is_in_the_security_log(user: User) -> None:
    _, token = a_stranger_signs_in()
    disown(token)
    kinds = SecurityEvent.objects.filter(user=user).order_by("pk").values_list("kind", "reason")
    assert list(kinds) == [
        ("session.started", ""),
        ("session.started", "new device"),
        ("password.changed", ""),
        ("session.disowned", ""),
    ]


def test_a_mail_that_cannot_be_queued_fails_no_sign_in(user: User) -> None:
    login()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE mail_outboxmail RENAME TO away")
    try:
        with logged() as events:
            assert login(IPHONE, ELSEWHERE).status_code == 200
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO mail_outboxmail")
    assert "mail.lost" in names_of(events)


def test_a_double_click_is_one_act_and_one_mail(user: User) -> None:
    _, token = a_stranger_signs_in()
    sent_mails()

    def click(_: int) -> int:
        try:
            return int(disown(token).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(click, range(4))) == [200, 400, 400, 400]
    assert len(sent_mails()) == 1
