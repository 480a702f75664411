"""What auth_api is told about the browser: built here, never believed."""

from typing import Any

import pytest
from django.test import RequestFactory, override_settings

from frontend_site.backend.caller import caller_of, client_address
from gatehouse.forwarded import normalize_scheme
from gatehouse.logging import Interval


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
    ("written", "address"),
    [
        ("203.0.113.50:17085", "203.0.113.50"),
        ("[2001:db8::5]:443", "2001:db8::5"),
        ("[2001:db8::5]", "2001:db8::5"),
        ('"[2001:db8::5]:443"', "2001:db8::5"),
        ("2001:DB8:0::5", "2001:db8::5"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.50", "203.0.113.50"),
        ("[::ffff:203.0.113.50]:17085", "203.0.113.50"),
        ("64:ff9b::203.0.113.50", "203.0.113.50"),
    ],
)
def test_every_way_to_write_an_address_is_one(options: Any, written: str, address: str) -> None:
    options(proxy_hops=1)
    chain = f"6.6.6.6:1, {written}"
    assert client_address(request_with(HTTP_X_FORWARDED_FOR=chain)) == address


@pytest.mark.parametrize(
    "chain", ["", "unknown", "203.0.113.50:x", "[2001:db8::5", "203.0.113.50:17085:1", "1.1.1.1,"]
)
def test_what_is_no_address_counts_as_the_proxy_and_is_logged_once_a_minute(
    options: Any, chain: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    options(proxy_hops=1)
    monkeypatch.setattr("gatehouse.forwarded._REPORTS", Interval(60))
    for _ in range(3):
        assert client_address(request_with(HTTP_X_FORWARDED_FOR=chain)) == "10.0.0.9"
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    event: Any = record.msg
    assert (event["event"], event["header"]) == ("forwarded_for.unusable", chain)
    assert "share one throttle" in event["effect"]
    assert "GATEHOUSE_PROXY_HOPS" in event["mend"]


@pytest.mark.parametrize(
    ("written", "scheme"),
    [("https", "https"), ("HTTPS", "https"), (" Https , http", "https"), ("wss", "https"),
     ("http", "http"), ("HTTP, https", "http"), ("", "http")],
)  # fmt: skip
def test_the_scheme_counts_in_any_case(written: str, scheme: str) -> None:
    meta = {"HTTP_X_FORWARDED_PROTO": written}
    normalize_scheme(meta)
    request = request_with(**meta)
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert request.scheme == scheme


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
