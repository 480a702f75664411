"""What auth_api is told about the browser: built here, never believed."""

from typing import Any

import pytest
from django.test import RequestFactory

from frontend_site.backend.caller import caller_of, client_address


def request_with(**meta: str) -> Any:
    request: Any = RequestFactory().get("/", REMOTE_ADDR="10.0.0.9", **meta)
    request.session_token, request.request_id = None, "r" * 8
    return request


@pytest.mark.parametrize(
    ("hops", "chain", "address"),
    [
        (0, "1.1.1.1", "10.0.0.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "10.0.0.9"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "garbage", "10.0.0.9"),
        (1, "1.1.1.1,", "10.0.0.9"),
        (1, "", "10.0.0.9"),
    ],
)
def test_the_address_is_the_one_that_our_own_proxy_saw(
    options: Any, hops: int, chain: str, address: str
) -> None:
    options(proxy_hops=hops)
    assert client_address(request_with(HTTP_X_FORWARDED_FOR=chain)) == address


@pytest.mark.parametrize(
    "header",
    ["HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP", "HTTP_GATEHOUSE_CLIENT_ADDRESS"],
)
def test_no_other_header_speaks_for_the_client(options: Any, header: str) -> None:
    options(proxy_hops=1)
    assert client_address(request_with(**{header: "6.6.6.6"})) == "10.0.0.9"


def test_the_user_agent_is_cut_and_made_printable() -> None:
    caller = caller_of(request_with(HTTP_USER_AGENT="a\x1b[2J\r\n\xe9" + "x" * 5000))
    assert caller.user_agent.startswith("a%1B[2J%0D%0A%E9xxx")
    assert len(caller.user_agent) == 512
