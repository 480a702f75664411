"""The server behind the sessions of one user, to break it."""

from collections.abc import Callable
from typing import Any

import pytest

from auth_api.sessions.redis.keys import snapshot_key
from tests.valkey import ValkeyServer


@pytest.fixture
def server_of(
    store_servers: list[ValkeyServer], redis_client: Any
) -> Callable[[str], ValkeyServer]:
    """Return a function that gives the primary with the keys of a ref."""

    def find(ref: str) -> ValkeyServer:
        if len(store_servers) == 1:
            return store_servers[0]
        node = redis_client.get_node_from_key(snapshot_key(ref))
        return next(server for server in store_servers if getattr(server, "port", 0) == node.port)

    return find


@pytest.fixture
def server(server_of: Callable[[str], ValkeyServer], user: Any) -> ValkeyServer:
    """The one that keeps the sessions of `user`."""
    return server_of(user.session_ref)
