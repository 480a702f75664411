"""A kept database connection that died is replaced: Django's signals look after it at each request."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import RequestFactory

from auth_api.sessions.redis.keys import snapshot_key
from auth_api.wsgi import application
from gatehouse.service_token import mint_service_token
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLITE: its connections do not die"),
]


def status_by_gunicorns_way(path: str, token: str) -> int:
    """Ask as gunicorn does: Django's test client keeps those signals from closing connections."""
    service = mint_service_token(settings.GATEHOUSE.service_keys[0])
    request = RequestFactory().get(
        path, HTTP_AUTHORIZATION=f"Bearer {service}", HTTP_COOKIE=f"__Host-session={token}"
    )
    answered: list[str] = []
    answer: Any = application(request.environ, lambda status, *_: answered.append(status))
    answer.close()
    return int(answered[0][:3])


@pytest.mark.parametrize("path", ["/v1/session", "/v1/security-events"])
def test_a_database_that_was_away_is_found_again(redis_client: Any, path: str) -> None:
    """Both times the last that used the connection was this very path."""
    make_user("ada@example.com")
    form = {"email": "ada@example.com", "password": PASSWORD}
    token = session_token(call("POST", "/v1/login", form))

    def ask() -> int:
        if path == "/v1/session":  # without its snapshot, so that the database is asked
            redis_client.delete(snapshot_key(token.partition(".")[0]))
        return status_by_gunicorns_way(path, token)

    assert ask() == 200
    connection.connection.close()  # what a restarted server leaves
    assert ask() == 200
