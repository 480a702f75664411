"""The cookie of a known browser: genuine, of one account, for some time, and of nobody by name."""

import time

import pytest

from gatehouse.keys import Key
from gatehouse.known_browser import (
    LIFETIME_DAYS,
    is_known_browser,
    known_account_tag,
    mint_known_browser,
)
from gatehouse.service_token import mint_service_token

OLD, NEW, FOREIGN = (Key(name, name.encode() * 40) for name in ("old", "new", "foreign"))
ADA, BOB = "ada@example.com", "bob@example.com"
DAY = 86400


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + days * DAY)


def test_it_is_good_for_its_account_only() -> None:
    value = mint_known_browser(ADA, NEW)
    assert is_known_browser(value, ADA, (NEW,))
    assert not is_known_browser(value, BOB, (NEW,))
    assert not is_known_browser(value, "", (NEW,))


def test_it_names_nobody_and_is_the_same_in_all_browsers() -> None:
    value = mint_known_browser(ADA, NEW)
    assert "ada" not in value
    assert value == mint_known_browser(ADA, NEW)
    assert known_account_tag(value, (NEW,)) != known_account_tag(
        mint_known_browser(ADA, OLD), (OLD,)
    )


def test_keys_can_be_changed() -> None:
    value = mint_known_browser(ADA, OLD)
    assert is_known_browser(value, ADA, (NEW, OLD))
    assert not is_known_browser(value, ADA, (NEW,))
    assert not is_known_browser(value, ADA, (FOREIGN,))


@pytest.mark.parametrize(
    ("days", "good"), [(0, True), (LIFETIME_DAYS - 1, True), (LIFETIME_DAYS, False), (-1, False)]
)
def test_it_ends(days: int, good: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one from the future is not good yet: nobody gets a longer one by a clock that was wrong."""
    value = mint_known_browser(ADA, NEW)
    later(monkeypatch, days)
    assert is_known_browser(value, ADA, (NEW,)) is good


def test_every_other_text_is_like_none() -> None:
    value = mint_known_browser(ADA, NEW)
    day, tag, mac = value.split(".")
    damaged = [
        value[:at] + ("A" if c != "A" else "B") + value[at + 1 :] for at, c in enumerate(value[:-1])
    ]
    other = known_account_tag(mint_known_browser(BOB, NEW), (NEW,))
    forged = [
        f"{int(day) + 1}.{tag}.{mac}",
        f"{day}.{other}.{mac}",
        f"{day}.{mac}.{tag}",
        f"0{value}",
    ]
    odd = [
        "",
        ".",
        "..",
        value + "=",
        value + "\n",
        " " + value,
        f"{value},{value}",
        "\xff" + value,
    ]
    tokens = [mint_service_token(NEW), "A" * 16 + "." + "s" * 43]
    for text in [*damaged, *forged, *odd, *tokens]:
        assert known_account_tag(text, (NEW,)) == ""
        assert not is_known_browser(text, ADA, (NEW,))
