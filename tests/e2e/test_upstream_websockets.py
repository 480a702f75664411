"""A WebSocket to an upstream, through real proxies and both real services."""

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from tests.e2e.conftest import EMAIL
from tests.frontend_site.upstreams.chat import is_closed, open_chat, says_again
from tests.processes import JsonClient, Stack

OTHER = "grace@example.com"


@pytest.fixture(scope="session")
def other_password(site: Stack) -> str:
    return site.make_user(OTHER)


def opened(client: JsonClient, **changes: str) -> ClientConnection:
    port = int(client.address.rpartition(":")[2])
    return open_chat(port, token=client.cookies["__Host-session"], **changes)


def test_it_closes_when_its_user_signs_out_and_no_other_does(
    client: JsonClient, other_password: str, site_password: str
) -> None:
    other, second = JsonClient(client.address), JsonClient(client.address)
    assert other.login(OTHER, other_password).status_code == 200
    assert second.login(EMAIL, site_password).status_code == 200  # on another device
    with opened(client) as mine, opened(second) as of_second, opened(other) as of_other:
        assert all(map(says_again, (mine, of_second, of_other)))
        assert client.post("/api/auth/logout").status_code == 204
        assert is_closed(mine)  # told at once: a check is due after 48 s at the earliest
        assert all(map(says_again, (of_second, of_other)))
        assert second.post("/api/auth/sessions/revoke-all").status_code == 200
        assert is_closed(of_second)
        assert says_again(of_other)


def test_another_site_opens_none(client: JsonClient, site: Stack) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(client, origin="https://evil.example")
    assert refused.value.response.status_code == 403
