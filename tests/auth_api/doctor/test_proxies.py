"""What `doctor` makes of the headers that arrived of a request with a forged address and scheme."""

from dataclasses import replace
from typing import Any

import pytest

from auth_api.doctor.door import Door
from auth_api.doctor.findings import Outcome
from auth_api.doctor.proxies import client_address, scheme
from auth_api.doctor.visit import FORGED_ADDRESS as FORGED
from gatehouse.doctor import SiteReport

CLIENT, PROXY = "198.51.100.7", "10.0.0.1"
REPORT = SiteReport(
    time=0.0, client_address=CLIENT, forwarded_for="", is_secure=True, host="", request_id="",
    environment="production", public_origin="", proxy_hops=1, hsts="", forward_auth_paths=(), groups=(), body_limit=0,
    largest_body=0, largest_body_path="/", weak_secrets=(), warnings=(), status="ready", missing=(), database=None, python="", django="",
)  # fmt: skip


def report(**changes: Any) -> SiteReport:
    return replace(REPORT, **changes)


@pytest.mark.parametrize(
    ("hops", "arrived"),
    [
        (0, FORGED),
        (1, CLIENT),
        (1, f"{FORGED}, {CLIENT}"),
        (1, f"{FORGED},{CLIENT}:17085"),
        (2, f"{CLIENT}, {PROXY}"),
        (2, f"{FORGED}, {CLIENT}, {PROXY}"),
    ],
)
def test_the_right_number_of_hops_is_ok(hops: int, arrived: str) -> None:
    assert client_address(report(proxy_hops=hops, forwarded_for=arrived)).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("hops", "arrived", "words", "mend"),
    [
        (1, FORGED, "choose its own address", "Make the proxy add"),
        (2, f"{FORGED}, {CLIENT}", "choose its own address", "GATEHOUSE_PROXY_HOPS=1"),
        (0, CLIENT, "one proxy writes", "GATEHOUSE_PROXY_HOPS=1"),
        (0, f"{FORGED}, {CLIENT}, {PROXY}", "2 proxies write", "GATEHOUSE_PROXY_HOPS=2"),
        (1, f"{FORGED}, {CLIENT}, {PROXY}", "2 proxies write", "GATEHOUSE_PROXY_HOPS=2"),
        (3, f"{FORGED}, {CLIENT}", "one proxy writes", "GATEHOUSE_PROXY_HOPS=1"),
        (1, "", "no proxy writes", "GATEHOUSE_PROXY_HOPS=0"),
        (1, f"{FORGED}, unknown", "no address at hop 1", "Make the proxy add"),
    ],
)
def test_another_number_of_hops_is_a_fault(hops: int, arrived: str, words: str, mend: str) -> None:
    found = client_address(report(proxy_hops=hops, forwarded_for=arrived))
    assert found.outcome is Outcome.FAIL
    assert words in found.found
    assert mend in found.mend


@pytest.mark.parametrize(
    ("origin", "plain", "forged", "outcome", "words"),
    [
        ("https://a.example", True, True, Outcome.OK, "https"),
        ("https://a.example", True, False, Outcome.FAIL, "choose the scheme"),
        ("https://a.example", False, False, Outcome.FAIL, "count as http"),
        ("http://a.example", False, True, Outcome.FAIL, "choose the scheme"),
        ("http://a.example", False, False, Outcome.FAIL, "plain http"),
    ],
)
def test_a_scheme_that_clients_can_choose_is_a_fault(
    origin: str, plain: bool, forged: bool, outcome: Outcome, words: str
) -> None:
    found = scheme(Door(origin), report(is_secure=plain), report(is_secure=forged))
    assert found.outcome is outcome
    assert words in found.found
