"""What the calls cost auth_api, in counts (see tests/frontend_site/test_cost.py)."""

from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import RequestFactory

from tests.auth_api.http import call, call_headers, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.calls import python_calls

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_am_i_costs_one_command_no_sql_and_few_functions(
    redis_client: Any, django_assert_num_queries: Any
) -> None:
    make_user("ada@example.com")
    form = {"email": "ada@example.com", "password": PASSWORD}
    token = session_token(call("POST", "/v1/login", form))
    # As gunicorn calls it: Django's test client makes 290 calls of its own, most to build the middleware anew.
    application, status = WSGIHandler(), ""
    environ = RequestFactory().get("/v1/session", **call_headers(token)).environ

    def start_response(line: str, headers: Any) -> None:
        nonlocal status
        status = line

    def ask() -> None:
        response = application(dict(environ), start_response)
        for _ in response:
            pass
        response.close()

    ask()
    redis_client.config_resetstat()
    with django_assert_num_queries(0):
        calls = python_calls(ask)
    assert status == "200 OK"
    asked = redis_client.info("commandstats")
    assert asked["cmdstat_evalsha"]["calls"] == 1
    # What the script asks for itself: record and snapshot, the index, the time.
    inner = {"cmdstat_mget", "cmdstat_zscore", "cmdstat_time"}
    assert set(asked) - inner == {"cmdstat_evalsha", "cmdstat_config|resetstat"}
    assert calls <= 398, calls


def test_a_sign_in_costs_five_statements_and_few_functions(
    redis_client: Any, django_assert_num_queries: Any
) -> None:
    """Beside its one Argon2id run (tests/auth_api/api/test_login.py)."""
    make_user("ada@example.com")

    def sign_in() -> None:
        form = {"email": "ada@example.com", "password": PASSWORD}
        assert call("POST", "/v1/login", form).status_code == 200

    for _ in range(2):  # the first of an account has no earlier one from its place
        sign_in()
    redis_client.config_resetstat()
    # The user, again after the hash; their groups; the event, and whether the place is known. No transaction.
    with django_assert_num_queries(5):
        calls = python_calls(sign_in)
    asked = redis_client.info("commandstats")
    # The throttle counts the try and clears it again; the time is read and the session stored.
    assert {name: asked[f"cmdstat_{name}"]["calls"] for name in ("eval", "unlink", "evalsha")} == {
        "eval": 1, "unlink": 1, "evalsha": 2,
    }  # fmt: skip
    bound = {"sqlite": 4700, "postgresql": 5060}[connection.vendor]
    assert calls <= bound, calls  # the test client's own work is in it
