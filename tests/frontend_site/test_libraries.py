"""Libraries are left alone (docs/decisions/0004-libraries-left-alone.md)."""

from tests.libraries import assignments, private_imports, private_overrides, private_uses


def test_nothing_reaches_into_a_library() -> None:
    assert private_overrides("frontend_site") == set()
    assert private_imports("frontend_site") == set()
    assert private_uses("frontend_site") == set()
    assert assignments("frontend_site") == set()
