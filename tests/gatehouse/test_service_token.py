"""Service tokens: the agreed form, reused until shortly before their end, refused after it."""

import base64
import hashlib
import hmac

import pytest

from gatehouse.keys import Key
from gatehouse.service_token import (
    LIFETIME,
    ServiceTokens,
    is_good_authorization,
    mint_service_token,
)

KEY, OTHER = Key("test1", b"k" * 40), Key("test1", b"j" * 40)
SKEW = 5  # seconds that the two clocks may differ


def test_the_token_has_the_agreed_form() -> None:
    version, key_id, expiry, mac = mint_service_token(KEY, now=1000.9).split(".")
    digest = hmac.new(KEY.secret, b"v1.test1.1060", hashlib.sha256).digest()
    assert (version, key_id, expiry) == ("v1", "test1", "1060")
    assert mac == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [5000.0]
    monkeypatch.setattr("gatehouse.service_token.time.time", lambda: now[0])
    return now


def test_a_token_is_reused_until_shortly_before_its_end(clock: list[float]) -> None:
    tokens = ServiceTokens(KEY)
    first = tokens.current()
    clock[0] += LIFETIME - 16
    assert tokens.current() == first
    clock[0] += 1
    assert tokens.current() != first


def test_a_clock_that_is_set_back_brings_a_new_token(clock: list[float]) -> None:
    tokens = ServiceTokens(KEY)
    tokens.current()
    clock[0] -= 3600
    assert int(tokens.current().split(".")[2]) <= clock[0] + LIFETIME


def test_a_token_that_was_good_ends(clock: list[float]) -> None:
    header = "Bearer " + mint_service_token(KEY)
    good = []
    for passed in (0, 0, LIFETIME - 1, LIFETIME, LIFETIME, 0):
        clock[0] = 5000.0 + passed
        good.append(is_good_authorization(header, [KEY]))
    assert good == [True, True, True, False, False, True]


def test_a_token_that_was_good_is_none_under_other_keys(clock: list[float]) -> None:
    header = "Bearer " + mint_service_token(KEY)
    asked = ([KEY], [OTHER], [OTHER, KEY], [], [KEY])
    assert [is_good_authorization(header, keys) for keys in asked] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_good_token_makes_no_other_good(clock: list[float]) -> None:
    text = mint_service_token(KEY)
    assert is_good_authorization("Bearer " + text, [KEY])
    version, key_id, expiry, mac = text.split(".")
    for forged in (
        f"{version}.{key_id}.{int(expiry) + 1}.{mac}",
        f"{version}.test2.{expiry}.{mac}",
        f"{version}.{key_id}.{expiry}.{'A' * 43}",
    ):
        assert not is_good_authorization("Bearer " + forged, [KEY])


@pytest.mark.parametrize("early", [0, SKEW, SKEW + 1, 3600])
def test_a_token_from_the_future_is_refused_unless_the_clocks_may_differ(
    clock: list[float], early: int
) -> None:
    """Otherwise someone who minted a token once could use it for ever."""
    header = "Bearer " + mint_service_token(KEY)
    clock[0] -= early
    assert is_good_authorization(header, [KEY]) == (early <= SKEW)


def test_a_key_is_known_by_its_name_too(clock: list[float]) -> None:
    header = "Bearer " + mint_service_token(KEY)
    assert not is_good_authorization(header, [Key("test2", KEY.secret)])


@pytest.mark.parametrize(
    "change", ["", "x", "Bearer", "{} ", " {}", "{}\n", "{}x", "Basic{}", "{}é"]
)
def test_an_invalid_token_is_refused(clock: list[float], change: str) -> None:
    header = change.replace("{}", "Bearer " + mint_service_token(KEY))
    assert not is_good_authorization(header, [KEY])
