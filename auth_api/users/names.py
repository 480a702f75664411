"""Validates the display names of users."""

import unicodedata

from django.core.exceptions import ValidationError

# Control and format characters (bidirectional overrides, invisible ones), line and paragraph ends: with
# them a name makes lines of its own in a log or list, or shows as another one.
_REFUSED = frozenset({"Cc", "Cf", "Zl", "Zp"})
_SPELLING = "\u200c\u200d"  # joiners: Persian and Indic names, and emoji, are written with them


def validate_name(name: str) -> None:
    """Raise ValidationError for what nobody is called."""
    if any(unicodedata.category(c) in _REFUSED and c not in _SPELLING for c in name):
        raise ValidationError("Remove invisible characters.", code="invisible")
