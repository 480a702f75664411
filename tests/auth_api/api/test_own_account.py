"""One's own data, and its end."""

from typing import Any

import pytest

from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.clock import age_sessions

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "ada@example.com"


@pytest.fixture
def user() -> Any:
    return make_user(EMAIL)


def sign_in() -> str:
    form = {"email": EMAIL, "password": PASSWORD}
    return session_token(call("POST", "/v1/login", form))


def test_everything_of_an_account_goes_with_it(user: Any, redis_client: Any) -> None:
    make_user("other@example.com")
    mine, elsewhere = sign_in(), sign_in()
    call("POST", "/v1/password/forgot", {"email": EMAIL})  # a mail that waits goes, too
    answer = call("DELETE", "/v1/account", token=mine)
    assert answer.status_code == 204
    assert answer.cookies["__Host-session"]["max-age"] == 0
    assert not User.objects.filter(email=EMAIL).exists()
    for token in (mine, elsewhere):
        assert call("GET", "/v1/session", token=token).status_code == 401
    left = [key for key in redis_client.scan_iter() if user.session_ref.encode() in key]
    fence = f"gh:{{{user.session_ref}}}:card".encode()
    assert left in ([], [fence])
    assert all(redis_client.ttl(key) > 0 for key in left)
    assert [(m.to, m.subject) for m in sent_mails()] == [([EMAIL], "Your account was deleted")]


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/v1/account"), ("GET", "/v1/account/export")]
)
def test_it_wants_a_recent_authentication(
    user: Any, redis_client: Any, method: str, path: str
) -> None:
    token = sign_in()
    age_sessions(redis_client, 601)
    answer = call(method, path, token=token)
    assert answer.json()["type"] == "urn:gatehouse:problem:reauthentication-required"
    assert call(method, path).status_code == 401
    assert User.objects.filter(email=EMAIL).exists()


def test_one_takes_along_what_is_stored_and_no_secret(user: Any) -> None:
    token = sign_in()
    sign_in()
    answer = call("GET", "/v1/account/export", token=token)
    document = answer.json()
    assert document["user"]["email"] == EMAIL
    assert len(document["sessions"]) == 2
    user.refresh_from_db()
    for secret in (user.password, token.partition(".")[2], user.session_ref):
        assert secret not in answer.content.decode()


def test_a_deletion_without_redis_deletes_nothing(user: Any, monkeypatch: Any) -> None:
    from auth_api.sessions import cards
    from auth_api.sessions.exceptions import SessionStoreUnavailable

    token = sign_in()

    def away(*_: object, **__: object) -> None:
        raise SessionStoreUnavailable("away")

    monkeypatch.setattr(cards.backend, "fence_card", away)
    assert call("DELETE", "/v1/account", token=token).status_code == 503
    assert User.objects.filter(email=EMAIL).exists()
    assert not sent_mails()


def test_a_deletion_from_outside_leaves_no_session_either(user: Any, redis_client: Any) -> None:
    tokens = [sign_in() for _ in range(3)]
    User.objects.filter(email=EMAIL).delete()
    assert not any(call("GET", "/v1/session", token=t).status_code == 200 for t in tokens)
    assert not list(redis_client.scan_iter(f"gh:{{{user.session_ref}}}:s:*"))
