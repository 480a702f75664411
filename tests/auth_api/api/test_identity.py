"""Identity tokens: what they say, who can check them, and how keys change."""

import base64
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import jwt
import pytest

from gatehouse.keys import Key
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.clock import age_sessions
from tests.store_contents import command_counts, reset_command_counts

pytestmark = pytest.mark.django_db(transaction=True)
ISSUER = "http://localhost:8000"


@pytest.fixture
def token() -> str:
    make_user("ada@example.com")
    return session_token(
        call("POST", "/v1/login", {"email": "ada@example.com", "password": PASSWORD})
    )


def identity(token: str, audience: str = "reports") -> Any:
    return call("GET", f"/v1/identity?audience={audience}", token=token)


def published() -> jwt.PyJWKSet:
    return jwt.PyJWKSet.from_dict(call("GET", "/v1/.well-known/jwks.json").json())


def verified(text: str, audience: str = "reports", keys: jwt.PyJWKSet | None = None) -> Any:
    """Check a token as a service does: by the published keys alone."""
    key = (keys or published())[jwt.get_unverified_header(text)["kid"]]
    return jwt.decode(text, key, algorithms=["ES256"], audience=audience, issuer=ISSUER)


def test_the_token_tells_its_audience_who_is_calling(token: str) -> None:
    body = identity(token).json()
    claims = verified(body["token"])
    session = body["session"]
    assert claims["sub"] == body["user"]["id"]
    assert claims["sid"] == session["handle"]
    assert claims["auth_time"] == _seconds(session["assurance"]["auth_time"])
    assert (claims["acr"], claims["amr"]) == ("aal1", ["pwd"])
    assert set(claims) == {
        "iss",
        "aud",
        "sub",
        "sid",
        "acr",
        "amr",
        "auth_time",
        "iat",
        "exp",
        "jti",
    }


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


def test_it_lives_a_minute(token: str) -> None:
    claims = verified(identity(token).json()["token"])
    assert claims["exp"] - claims["iat"] == 60
    assert abs(claims["iat"] - time.time()) < 10


def test_it_shows_no_secret_and_no_address(token: str) -> None:
    text = identity(token).json()["token"]
    shown = "".join(
        base64.urlsafe_b64decode(part + "==").decode("latin-1") for part in text.split(".")[:2]
    )
    assert token.partition(".")[2] not in shown
    assert "ada@example.com" not in shown


def test_another_audience_cannot_use_it(token: str) -> None:
    text = identity(token, "reports").json()["token"]
    with pytest.raises(jwt.InvalidAudienceError):
        verified(text, "files")


def test_no_two_are_the_same(token: str) -> None:
    assert identity(token).json()["token"] != identity(token).json()["token"]


@pytest.mark.parametrize(
    "audience", ["", "Reports", "1st", "a" * 32, "a%20b", "a/b", "r%C3%A9", "a%0A", "*"]
)
def test_an_audience_that_is_no_name_is_refused(token: str, audience: str) -> None:
    answer = identity(token, audience)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["audience"]


def test_without_a_session_there_is_none(token: str) -> None:
    assert identity("").json()["type"] == "urn:gatehouse:problem:no-session"
    call("POST", "/v1/logout", {}, token=token)
    assert identity(token).status_code == 401


def test_it_costs_one_round_trip_and_counts_as_use(token: str, redis_client: Any) -> None:
    identity(token)
    age_sessions(redis_client, 1000)
    before = call("GET", "/v1/session?slide=false", token=token).json()["session"]
    reset_command_counts(redis_client)
    after = identity(token).json()["session"]
    assert command_counts(redis_client)["evalsha"] == 1
    assert after["idle_expires_at"] > before["idle_expires_at"]


def test_every_listed_key_is_published_and_the_first_signs(token: str, settings: Any) -> None:
    old, new = Key("old", b"o" * 40), Key("new", b"n" * 40)
    settings.GATEHOUSE = replace(settings.GATEHOUSE, identity_keys=(old,))
    before = identity(token).json()["token"]
    settings.GATEHOUSE = replace(settings.GATEHOUSE, identity_keys=(new, old))
    after = identity(token).json()["token"]
    assert jwt.get_unverified_header(after)["kid"] == "new"
    assert verified(before)["sub"] == verified(after)["sub"]
    settings.GATEHOUSE = replace(settings.GATEHOUSE, identity_keys=(new,))
    assert [key.key_id for key in published().keys] == ["new"]


def test_a_key_of_the_same_name_and_another_secret_verifies_nothing(
    token: str, settings: Any
) -> None:
    text = identity(token).json()["token"]
    stranger = Key(settings.GATEHOUSE.identity_keys[0].id, b"z" * 40)
    settings.GATEHOUSE = replace(settings.GATEHOUSE, identity_keys=(stranger,))
    with pytest.raises(jwt.InvalidSignatureError):
        verified(text)


def test_published_keys_have_no_private_part() -> None:
    keys = call("GET", "/v1/.well-known/jwks.json").json()["keys"]
    assert [key["kid"] for key in keys] == ["test2", "test1"]
    for key in keys:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["alg"]) == ("EC", "P-256", "ES256")


def test_the_same_secret_is_the_same_key_in_every_process() -> None:
    """Derived (FIPS 186-5, A.2.1), so a change here would strand every deployment's services."""
    keys = call("GET", "/v1/.well-known/jwks.json").json()["keys"]
    assert keys[0]["x"] == "8LuG9YxKm_l4S2yQdxssndiFxA7TD3dRIqh0QL5jHHQ"


def test_its_type_cannot_be_mistaken(token: str) -> None:
    header = jwt.get_unverified_header(identity(token).json()["token"])
    assert header == {"alg": "ES256", "kid": "test2", "typ": "gatehouse-identity+jwt"}
