"""A kept database connection that died is replaced: by the middleware, and by the engine on its own way."""

from typing import Any

import pytest
from django.db import connection

from auth_api.sessions.redis.backend import snapshot_key
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLITE: its connections do not die"),
]


@pytest.mark.parametrize("path", ["/v1/session", "/v1/security-events"])
def test_a_database_that_was_away_is_found_again(redis_client: Any, path: str) -> None:
    """Both times the last that used the connection was this very path."""
    make_user("ada@example.com")
    form = {"email": "ada@example.com", "password": PASSWORD}
    token = session_token(call("POST", "/v1/login", form))

    def ask() -> int:
        if path == "/v1/session":  # without its snapshot, so that the database is asked
            redis_client.delete(snapshot_key(token.partition(".")[0]))
        return int(call("GET", path, token=token).status_code)

    assert ask() == 200
    connection.connection.close()  # what a restarted server leaves
    assert ask() == 200
