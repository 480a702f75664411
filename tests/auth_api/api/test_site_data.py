"""The calls by which the site reads and changes what it keeps in the user's session."""

import base64
from functools import reduce
from typing import Any

import pytest

from gatehouse.site_data import DEPTH, LIMIT
from tests.auth_api.http import call, document_of, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.calls import python_calls

pytestmark = pytest.mark.django_db(transaction=True)

WANTED = {"HTTP_GATEHOUSE_SITE_DATA": "1"}


@pytest.fixture
def token() -> str:
    make_user("ada@example.com")
    return session_token(
        call("POST", "/v1/login", {"email": "ada@example.com", "password": PASSWORD})
    )


def change(token: str | None, changed: Any = None, deleted: Any = None) -> Any:
    body = {"changed": changed or {}, "deleted": deleted or []}
    return call("PATCH", "/v1/session/data", body, token=token)


def test_only_who_asks_for_it_gets_it(token: str) -> None:
    assert change(token, {"secret-key": ["é"]}).status_code == 204
    for address in ("/v1/session", "/v1/session?slide=false"):
        found = call("GET", address, token=token, **WANTED).json()
        assert found["site_data"] == {"secret-key": ["é"]}
        assert b"secret-key" not in call("GET", address, token=token).content
    for address in ("/v1/sessions", "/v1/security-events", "/v1/identity?audience=reports"):
        answer = call("GET", address, token=token, **WANTED)
        assert answer.status_code == 200
        assert b"secret-key" not in answer.content
    claims = call("GET", "/v1/identity?audience=reports", token=token).json()["token"].split(".")[1]
    assert b"secret-key" not in base64.urlsafe_b64decode(claims + "==")
    assert "secret-key" not in str(document_of(call("GET", "/v1/account/export", token=token)))


def test_without_data_the_answer_is_what_it_was(token: str) -> None:
    assert call("GET", "/v1/session", token=token, **WANTED).json().keys() == {"user", "session"}
    change(token, {"a": 1})
    change(token, deleted=["a"])
    assert call("GET", "/v1/session", token=token, **WANTED).json().keys() == {"user", "session"}


def test_a_validation_for_a_page_costs_what_it_cost(token: str, redis_client: Any) -> None:
    def ask(**headers: str) -> Any:
        return lambda: call("GET", "/v1/session", token=token, **headers)

    ask(**WANTED)()
    redis_client.config_resetstat()
    with_data = min(python_calls(ask(**WANTED)) for _ in range(3))
    assert redis_client.info("commandstats")["cmdstat_evalsha"]["calls"] == 3
    assert with_data - min(python_calls(ask()) for _ in range(3)) <= 5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"changed": [], "deleted": []}, "changed"),
        ({"changed": {}, "deleted": {}}, "deleted"),
        ({"changed": {}, "deleted": [1]}, "deleted"),
        ({"changed": {}}, "deleted"),
        (b'{"changed": {"a": 1, "a": 2}, "deleted": []}', "body"),
        (b'{"changed": {"a": NaN}, "deleted": []}', "body"),
        ({"changed": {"deep": reduce(lambda inner, _: [inner], range(DEPTH + 1), 1)}, "deleted": []}, "changed"),
    ],
)  # fmt: skip
def test_a_change_that_is_none_is_refused(token: str, body: Any, field: str) -> None:
    answer = call("PATCH", "/v1/session/data", body, token=token)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_too_much_is_refused_and_nothing_is_cut_off(token: str) -> None:
    assert change(token, {"a": "x"}).status_code == 204
    answer = change(token, {"b": "x" * LIMIT})
    assert (answer.status_code, answer.json()["type"]) == (
        413,
        "urn:gatehouse:problem:site-data-too-large",
    )
    assert call("GET", "/v1/session", token=token, **WANTED).json()["site_data"] == {"a": "x"}


def test_an_ended_session_takes_no_change(token: str) -> None:
    assert change(None, {"a": 1}).status_code == 401
    call("POST", "/v1/logout", {}, token=token)
    answer = change(token, {"a": 1})
    assert answer.status_code == 401
    assert answer.cookies["__Host-session"].value == ""
    assert call("GET", "/v1/session/data", token=token).status_code == 405


def test_a_new_password_keeps_it_for_this_session_only(token: str) -> None:
    form = {"email": "ada@example.com", "password": PASSWORD}
    other = session_token(call("POST", "/v1/login", form))
    change(token, {"basket": [1]})
    change(other, {"basket": [2]})
    form = {"current_password": PASSWORD, "new_password": "nine green bottles on a wall"}
    token = session_token(call("POST", "/v1/password/change", form, token=token))
    answer = call("GET", "/v1/session", token=token, **WANTED)
    assert answer.json()["site_data"] == {"basket": [1]}
    assert change(other, {"basket": [3]}).status_code == 401


def test_a_store_that_refuses_writes_is_unknown(token: str, redis_client: Any) -> None:
    redis_client.config_set("maxmemory", "1")
    try:
        answer = change(token, {"a": 1})
    finally:
        redis_client.config_set("maxmemory", "0")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "__Host-session" not in answer.cookies
    assert change(token, {"a": 1}).status_code == 204
