"""A service token ends when it says so, however often it was good before."""

import pytest

from auth_api.service_token import LIFETIME, is_good_authorization, mint_service_token
from auth_api.settings.env import Key

KEY, OTHER = Key("test1", b"k" * 40), Key("test1", b"j" * 40)
SKEW = 5  # seconds that the two clocks may differ


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [5000.0]
    monkeypatch.setattr("auth_api.service_token.time.time", lambda: now[0])
    return now


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
