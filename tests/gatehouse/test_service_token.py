"""Service tokens: the agreed form, reused until shortly before their end, refused after it."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import pytest

from gatehouse.keys import Key
from gatehouse.service_token import (
    LIFETIME,
    Judgement,
    Refusal,
    ServiceTokens,
    judge_authorization,
    mint_service_token,
)

KEY, OTHER = Key("test1", b"k" * 40), Key("test1", b"j" * 40)
SKEW = 60  # seconds that the two clocks may differ


def is_good(header: str, keys: Sequence[Key]) -> bool:
    return judge_authorization(header, keys).refusal is None


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
    end = LIFETIME + SKEW
    for passed in (0, 0, end - 1, end, end, 0):
        clock[0] = 5000.0 + passed
        good.append(is_good(header, [KEY]))
    assert good == [True, True, True, False, False, True]


def test_a_token_that_was_good_is_none_under_other_keys(clock: list[float]) -> None:
    header = "Bearer " + mint_service_token(KEY)
    asked = ([KEY], [OTHER], [OTHER, KEY], [], [KEY])
    assert [is_good(header, keys) for keys in asked] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_good_token_makes_no_other_good(clock: list[float]) -> None:
    text = mint_service_token(KEY)
    assert is_good("Bearer " + text, [KEY])
    version, key_id, expiry, mac = text.split(".")
    for forged in (
        f"{version}.{key_id}.{int(expiry) + 1}.{mac}",
        f"{version}.test2.{expiry}.{mac}",
        f"{version}.{key_id}.{expiry}.{'A' * 43}",
    ):
        assert not is_good("Bearer " + forged, [KEY])


@pytest.mark.parametrize("early", [0, SKEW, SKEW + 1, 3600])
def test_a_token_from_the_future_is_refused_unless_the_clocks_may_differ(
    clock: list[float], early: int
) -> None:
    """Otherwise someone who minted a token once could use it for ever."""
    header = "Bearer " + mint_service_token(KEY)
    clock[0] -= early
    assert is_good(header, [KEY]) == (early <= SKEW)


@pytest.mark.parametrize("difference", [-SKEW, -6, 0, 6, SKEW])
@pytest.mark.parametrize("age", [0, LIFETIME - 16])
def test_a_site_whose_clock_differs_by_a_minute_is_served_at_every_age_of_its_token(
    clock: list[float], difference: int, age: int
) -> None:
    tokens = ServiceTokens(KEY)
    clock[0] += difference  # the site's
    tokens.current()
    clock[0] += age
    header = "Bearer " + tokens.current()
    clock[0] -= difference  # auth_api's
    assert is_good(header, [KEY])


@pytest.mark.parametrize(
    ("early", "judgement"),
    [
        (0, Judgement(None, "test1")),
        (SKEW, Judgement(None, "test1", SKEW)),
        (75, Judgement(Refusal.CLOCK, "test1", 75)),
        (-45, Judgement(None, "test1")),
        (-LIFETIME - 75, Judgement(Refusal.CLOCK, "test1", -90)),
    ],
)
def test_a_judgement_says_by_how_much_the_clocks_differ(
    clock: list[float], early: int, judgement: Judgement
) -> None:
    header = "Bearer " + mint_service_token(KEY)
    clock[0] -= early
    assert judge_authorization(header, [KEY]) == judgement


def test_a_judgement_tells_keys_from_clocks(clock: list[float]) -> None:
    header = "Bearer " + mint_service_token(KEY)
    clock[0] += 3600  # would be a difference of clocks, if the MAC were right
    asked = {
        "missing": ("", [KEY]),
        "malformed": ("Bearer x", [KEY]),
        "unknown key": (header, [Key("test2", KEY.secret)]),
        "another secret": (header, [OTHER]),
    }
    assert {name: judge_authorization(*each) for name, each in asked.items()} == {
        "missing": Judgement(Refusal.MISSING),
        "malformed": Judgement(Refusal.MALFORMED),
        "unknown key": Judgement(Refusal.UNKNOWN_KEY, "test1"),
        "another secret": Judgement(Refusal.WRONG_SECRET, "test1"),
    }


def test_a_key_is_known_by_its_name_too(clock: list[float]) -> None:
    header = "Bearer " + mint_service_token(KEY)
    assert not is_good(header, [Key("test2", KEY.secret)])


@pytest.mark.parametrize(
    "change", ["", "x", "Bearer", "{} ", " {}", "{}\n", "{}x", "Basic{}", "{}é"]
)
def test_an_invalid_token_is_refused(clock: list[float], change: str) -> None:
    header = change.replace("{}", "Bearer " + mint_service_token(KEY))
    assert not is_good(header, [KEY])
