"""Validates the display names of users."""

import re
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


# What mail programs make links, telephone numbers or markup of, after compatibility forms are folded. A dot
# before a single letter is no domain (J. R. R. Tolkien), and IDNA takes the ideographic dot for a dot.
_LINK_LIKE = re.compile(r"[/\\@:<>\[\](){}]|[.\u3002]\w{2}|www|(?:[0-9]\D*){4}", re.IGNORECASE)
_LONGEST_IN_MAIL = 60  # characters


def name_for_mail(name: str) -> str:
    """Return a name or label as a mail may say it; "" if a mail program could show it as a link.

    Otherwise whoever chose the name could send words and links of their own in our name.
    """
    folded = unicodedata.normalize("NFKC", name)
    try:
        validate_name(name)
    except ValidationError:
        return ""
    return "" if len(name) > _LONGEST_IN_MAIL or _LINK_LIKE.search(folded) else name.strip()
