"""Session tokens as the site sees them."""

import pytest

from frontend_site.session_token import SessionToken
from tests.frontend_site.stub import TOKEN


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        TOKEN + "x",
        TOKEN[:-1],
        f'"{TOKEN}"',
        TOKEN.replace(".", ":"),
        TOKEN.replace("s", "\xe9", 1),
        TOKEN + "\n",
        "A" * 60,
        "." * 60,
        "A" * 100_000,
    ],
)
def test_a_garbled_value_counts_as_absent(value: str) -> None:
    assert SessionToken.parse(value) is None


def test_the_token_hides_itself_in_logs() -> None:
    assert TOKEN not in f"{SessionToken(TOKEN)} {SessionToken(TOKEN)!r}"
