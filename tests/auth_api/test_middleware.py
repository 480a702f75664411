"""What each request passes through: hosts, headers, and a hot path without SQL."""

from typing import Any

import pytest

from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.store_contents import command_counts, reset_command_counts

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_am_i_costs_one_round_trip_and_no_sql(
    redis_client: Any, django_assert_num_queries: Any
) -> None:
    make_user("ada@example.com")
    body = {"email": "ada@example.com", "password": PASSWORD}
    token = session_token(call("POST", "/v1/login", body))
    call("GET", "/v1/session", token=token)
    reset_command_counts(redis_client)
    with django_assert_num_queries(0):
        assert call("GET", "/v1/session", token=token).status_code == 200
    counts = command_counts(redis_client)
    assert counts["evalsha"] == 1
    assert "eval" not in counts


def test_v1_sets_no_cookie_of_the_admin() -> None:
    answer = call("GET", "/v1/session")
    assert not answer.cookies


@pytest.mark.parametrize("path", ["/v1/session", "/admin/login/", "/metrics", "/nowhere"])
def test_another_host_name_is_refused(path: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    with logged() as events:
        answer = call("GET", path, HTTP_HOST="rebound.example")
    assert answer.json()["type"] == "urn:gatehouse:problem:unknown-host"
    assert answer.status_code == 400
    (event,) = events
    assert (event["event"], event["host"]) == ("host.refused", "rebound.example")
    assert "AUTH_API_HOSTS" in event["hint"]
    assert call("GET", path, HTTP_HOST="127.0.0.1").status_code != 400


def test_probes_answer_under_any_name(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    assert call("GET", "/healthz", HTTP_HOST="10.0.0.9:8001").status_code == 200


@pytest.mark.parametrize("path", ["/v1/session", "/nowhere", "/healthz", "/admin/login/"])
def test_nothing_of_the_private_port_is_kept_in_a_cache(path: str) -> None:
    assert call("GET", path)["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/v1", "//v1/session", "/v1/nowhere", "/V1/session"])
def test_no_spelling_of_the_prefix_leads_past_the_service_token(path: str) -> None:
    answer = call("GET", path, HTTP_AUTHORIZATION="")
    assert answer.status_code in (401, 404)
    assert "no-session" not in answer.content.decode()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abcdefgh", True),
        ("a" * 64, True),
        ("short", False),
        ("a" * 65, False),
        ("a\nb" * 9, False),
    ],
)
def test_a_request_id_is_taken_over_when_it_is_one(given: str, kept: bool) -> None:
    answer = call("GET", "/v1/session", HTTP_X_REQUEST_ID=given)
    assert (answer["X-Request-Id"] == given) is kept
    assert answer.json()["request_id"] == answer["X-Request-Id"]
