"""Sessions as the tests of the engine make them: through the store, on a real Valkey."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory
from django_redis import get_redis_connection

from auth_api.sessions import services
from auth_api.sessions.records import Client
from auth_api.sessions.redis.held import RUN_BYTES
from auth_api.sessions.store import SessionStore

PASSWORD = "a quiet harbour at dusk"
CLIENT = Client(
    "203.0.113.7",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Safari/537.36",
)


@pytest.fixture
def user(transactional_db: None) -> Any:
    return make_user("ada@example.com")


@pytest.fixture
def sign_in(user: Any) -> Callable[..., SessionStore]:
    """Return a function that signs a user in and gives the browser's session."""

    def start(who: Any = None, *, remember: bool = False) -> SessionStore:
        request = request_with(None)
        services.start_session(request, who or user, remember=remember, methods=("pwd",))
        return request.session

    return start


def make_user(email: str) -> Any:
    return get_user_model().objects.create_user(
        email=email, password=PASSWORD, name="Ada", email_verified=True
    )


def run_of(ref: str) -> bytes:
    """The present run of the server that keeps the keys of `ref`."""
    client: Any = get_redis_connection("sessions")
    if hasattr(client, "get_node_from_key"):
        client = client.get_redis_connection(client.get_node_from_key(f"{{{ref}}}"))
    run: str = client.info("replication")["master_replid"]
    return run[:RUN_BYTES].encode()


def request_with(token: str | None) -> Any:
    """A request as SessionMiddleware leaves it."""
    request = RequestFactory().get("/v1/session")
    request.session = SessionStore(token, client=CLIENT)
    return request


def is_alive(token: str) -> bool:
    """Whether the token opens a session with a user in it."""
    return "_auth_user_id" in SessionStore(token).load()
