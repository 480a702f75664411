"""Addresses: one person, one spelling; mail goes where it is stored (security.md, class 6)."""

import pytest
from django.core.exceptions import ValidationError

from auth_api.users.addresses import MAX_LENGTH, canonical_address, fold_address


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com\n", "ada@example.com"),
        ("ａｄａ@ｅxample.com", "ada@example.com"),
        ("\u212aim@example.com", "kim@example.com"),  # the Kelvin sign
        ("ada+tag@example.com", "ada+tag@example.com"),  # plus and dots are the provider's business
        ("a.d.a@example.com", "a.d.a@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@exam\xadple.com", "ada@example.com"),  # the wire has no soft hyphen
    ],
)
def test_spellings_become_one(typed: str, canonical: str) -> None:
    assert canonical_address(typed) == canonical
    assert fold_address(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "@example.com", "ada@", "ada@example", "a b@example.com", "ada@example..com",
        '"ada@evil.example"@example.com', '"ada"@example.com', "ada@[127.0.0.1]",
        "ada@example.com,eve@evil.example", "ada@evil.example@example.com",
        "ada@example.com\r\nBcc: eve@evil.example", "<ada@example.com>", "Ada <ada@example.com>",
        "ad\u0430@example.com", "ada@example.com\0", "a" * MAX_LENGTH + "@example.com",
    ],
)  # fmt: skip
def test_what_could_reach_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        canonical_address(text)
