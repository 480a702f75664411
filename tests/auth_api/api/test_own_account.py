"""One's own data, and its end."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.writer import writer
from auth_api.users.acts import Act
from auth_api.users.models import User
from auth_api.users.unlocking import unlock_users
from tests.auth_api.http import call, document_of, session_token
from tests.auth_api.mails import sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.clock import age_sessions

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "ada@example.com"
FORM = {"email": EMAIL}


@pytest.fixture
def at_once(settings: Any) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, deletion_delay=0)


def sign_in() -> str:
    form = {"email": EMAIL, "password": PASSWORD}
    return session_token(call("POST", "/v1/login", form))


def token_handle(token: str) -> str:
    handle: str = call("GET", "/v1/session", token=token).json()["session"]["handle"]
    return handle


@pytest.mark.usefixtures("at_once")
def test_everything_of_an_account_goes_with_it(user: Any, redis_client: Any) -> None:
    make_user("other@example.com")
    mine, elsewhere = sign_in(), sign_in()
    call("POST", "/v1/password/forgot", {"email": EMAIL})  # a mail that waits goes, too
    answer = call("DELETE", "/v1/account", FORM, token=mine)
    assert answer.status_code == 204
    assert answer.cookies["__Host-session"]["max-age"] == 0
    assert not User.objects.filter(email=EMAIL).exists()
    for token in (mine, elsewhere):
        assert call("GET", "/v1/session", token=token).status_code == 401
    left = [key for key in redis_client.scan_iter() if user.session_ref.encode() in key]
    fence = f"gh:{{{user.session_ref}}}:card".encode()
    assert left in ([], [fence])
    assert all(redis_client.ttl(key) > 0 for key in left)
    assert [(m.to, m.subject) for m in sent_mails()] == [
        ([EMAIL], "Your account at localhost was deleted")
    ]


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/v1/account"), ("GET", "/v1/account/export")]
)
def test_it_wants_a_recent_authentication(
    user: Any, redis_client: Any, method: str, path: str
) -> None:
    token = sign_in()
    age_sessions(redis_client, 601)
    answer = call(method, path, FORM, token=token)
    assert answer.json()["type"] == "urn:gatehouse:problem:reauthentication-required"
    assert call(method, path).status_code == 401
    assert User.objects.filter(email=EMAIL).exists()


def test_one_takes_along_what_is_stored_and_no_secret(user: Any) -> None:
    token = sign_in()
    sign_in()
    document = document_of(call("GET", "/v1/account/export", token=token))
    assert document["user"]["email"] == EMAIL
    assert len(document["sessions"]) == 2
    user.refresh_from_db()
    for secret in (user.password, token.partition(".")[2], user.session_ref):
        assert secret not in str(document)


@pytest.mark.parametrize("email", ["", "other@example.com", "ada@example.co"])
def test_a_deletion_wants_the_address_of_the_account(user: Any, email: str) -> None:
    token = sign_in()
    answer = call("DELETE", "/v1/account", {"email": email}, token=token)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])
    assert call("GET", "/v1/session", token=token).status_code == 200
    assert User.objects.get().deletion_at is None


def test_a_deletion_takes_any_spelling_of_it(user: Any) -> None:
    answer = call("DELETE", "/v1/account", {"email": " ADA@Example.COM "}, token=sign_in())
    assert answer.status_code == 202


def test_a_changed_name_shows_at_the_next_call(user: Any) -> None:
    token, elsewhere = sign_in(), sign_in()
    assert call("GET", "/v1/session", token=elsewhere).json()["user"]["name"] == "Ada"
    assert call("PATCH", "/v1/account", {"name": " Augusta "}, token=token).status_code == 204
    for path in ("/v1/session", "/v1/sessions", "/v1/identity?audience=reports"):
        assert call("GET", path, token=elsewhere).json()["user"]["name"] == "Augusta"
    [event] = SecurityEvent.objects.filter(kind="name.changed")
    assert (event.by, event.handle) == ("owner", token_handle(token))
    assert Act.objects.get(kind="name").old_name == "Ada"


def test_a_name_that_cannot_be_one_is_refused(user: Any) -> None:
    token = sign_in()
    for name in ("\u202eadA", "A" * 151):
        answer = call("PATCH", "/v1/account", {"name": name}, token=token)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["name"])
    assert call("PATCH", "/v1/account", {"name": "Eve"}).status_code == 401
    assert User.objects.get().name == "Ada"


def test_a_name_can_be_removed(user: Any) -> None:
    assert call("PATCH", "/v1/account", {"name": " "}, token=sign_in()).status_code == 204
    assert User.objects.get().name == ""


def test_a_name_that_changes_too_often_waits(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change is an event, a row that can undo it, and a new snapshot for every session."""
    monkeypatch.setattr("auth_api.throttling.CHANGES", 2)
    token = sign_in()
    answers = [call("PATCH", "/v1/account", {"name": str(n)}, token=token) for n in range(3)]
    assert [answer.status_code for answer in answers] == [204, 204, 429]
    assert 0 < int(answers[2]["Retry-After"]) <= 600
    user.refresh_from_db()
    assert user.name == "1"
    other = session_token(call("POST", "/v1/login", {"email": EMAIL, "password": PASSWORD}))
    assert call("PATCH", "/v1/account", {"name": "x"}, token=other).status_code == 429
    unlock_users([user])
    assert call("PATCH", "/v1/account", {"name": "x"}, token=other).status_code == 204


def test_a_deletion_without_redis_deletes_nothing(user: Any, monkeypatch: Any) -> None:
    from auth_api.sessions.exceptions import SessionStoreUnavailable
    from auth_api.sessions.redis.backend import backend

    token = sign_in()

    def away(*_: object, **__: object) -> None:
        raise SessionStoreUnavailable("away")

    monkeypatch.setattr(backend, "fence_snapshot", away)
    assert call("DELETE", "/v1/account", FORM, token=token).status_code == 503
    assert User.objects.get().deletion_at is None
    assert User.objects.filter(email=EMAIL).exists()
    assert not sent_mails()


def test_a_deletion_from_outside_leaves_no_session_either(user: Any, redis_client: Any) -> None:
    tokens = [sign_in() for _ in range(3)]
    User.objects.filter(email=EMAIL).delete()
    assert not any(call("GET", "/v1/session", token=t).status_code == 200 for t in tokens)
    assert not list(redis_client.scan_iter(f"gh:{{{user.session_ref}}}:s:*"))


def in_parallel(times: int, do: Callable[[int], int]) -> list[int]:
    """Call `do` in `times` threads at once; return the results, sorted."""
    together = threading.Barrier(times)

    def one(number: int) -> int:
        together.wait(30)
        try:
            return do(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return sorted(pool.map(one, range(times)))


@pytest.mark.parametrize(
    ("delay", "status", "subject"),
    [
        (0, 204, "Your account at localhost was deleted"),
        (604_800, 202, "Your account at localhost will be deleted"),
    ],
)
def test_one_of_many_concurrent_deletions_succeeds_and_the_others_are_signed_out(
    user: Any, settings: Any, delay: int, status: int, subject: str
) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, deletion_delay=delay)
    tokens = [sign_in() for _ in range(4)]

    def delete(number: int) -> int:
        return int(call("DELETE", "/v1/account", FORM, token=tokens[number % 4]).status_code)

    assert in_parallel(20, delete) == [status] + [401] * 19
    assert not User.objects.filter(email=EMAIL, deletion_at=None).exists()
    assert [m.subject for m in sent_mails()] == [subject]


VANISHED: list[tuple[str, str, Any, int]] = [
    ("DELETE", "/v1/account", FORM, 401),
    ("GET", "/v1/account/export", None, 401),
    ("POST", "/v1/email/change", {"email": "ada@example.org"}, 401),
    ("POST", "/v1/sessions/revoke-all", {}, 401),
    ("POST", "/v1/reauthenticate", {"password": PASSWORD}, 401),
    ("POST", "/v1/password/change",
     {"current_password": PASSWORD, "new_password": "nine green bottles on a wall"}, 400),
    ("GET", "/v1/sessions", None, 200),
    ("GET", "/v1/security-events", None, 200),
    ("POST", "/v1/sessions/revoke-others", {}, 200),
    ("POST", "/v1/logout", {}, 204),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status"), VANISHED)
def test_an_account_that_is_deleted_during_a_call_is_not_a_server_error(
    user: Any, method: str, path: str, body: Any, status: int
) -> None:
    """Redis has just confirmed the session, but the row is gone when the call reads it."""
    token = sign_in()
    call("GET", "/v1/session", token=token)  # caches a snapshot if the sign-in did not
    writer.drain()
    with connection.cursor() as cursor:  # behind the engine's back: the snapshot still says "valid"
        cursor.execute("DELETE FROM security_log_securityevent")
        cursor.execute("DELETE FROM users_user")
    answer = call(method, path, body, token=token)
    assert answer.status_code == status
    if status == 401:
        slugs = {"/v1/reauthenticate": "invalid-credentials"}
        assert answer.json()["type"].endswith(slugs.get(path, "session-ended"))


def test_parallel_changes_and_deletions_of_an_account_get_proper_answers(user: Any) -> None:
    token = sign_in()
    calls: list[tuple[str, str, Any]] = [
        ("DELETE", "/v1/account", FORM),
        ("GET", "/v1/account/export", None),
        ("POST", "/v1/email/change", {"email": "ada@example.org"}),
        ("POST", "/v1/sessions/revoke-all", {}),
        ("POST", "/v1/password/forgot", {"email": EMAIL}),
    ]

    deleted: list[int] = []

    def one(number: int) -> int:
        method, path, body = calls[number % len(calls)]
        answer = call(method, path, body, token=token)
        if answer.streaming:
            document_of(answer)
        if (method, answer.status_code) == ("DELETE", 202):
            deleted.append(number)
        return int(answer.status_code)

    assert set(in_parallel(20, one)) <= {200, 202, 204, 401, 429}
    # A call that ends the sessions may come first: then nothing is deleted.
    assert (User.objects.get().deletion_at is not None) == bool(deleted)


def test_an_export_of_many_events_is_one_document_in_small_pieces(user: Any) -> None:
    token = sign_in()
    writer.drain()
    moment = timezone.now()
    rows = (
        SecurityEvent(user=user, kind="login.failed", at=moment, first_at=moment, handle=str(n))
        for n in range(6_000)
    )
    SecurityEvent.objects.bulk_create(rows, batch_size=500)
    answer = call("GET", "/v1/account/export", token=token)
    pieces = list(answer.streaming_content)
    assert sum(map(len, pieces)) > 1024**2
    assert max(map(len, pieces)) < 512 * 1024
    events = json.loads(b"".join(pieces))["security_events"]
    handles = [event["handle"] for event in events if event["event"] == "login.failed"]
    assert handles == [str(n) for n in reversed(range(6_000))]


def test_an_export_without_events_is_a_document_too(user: Any) -> None:
    token = sign_in()
    answer = call("GET", "/v1/account/export", token=token)
    writer.drain()
    SecurityEvent.objects.all().delete()
    assert document_of(answer)["security_events"] == []
