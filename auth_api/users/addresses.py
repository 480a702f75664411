"""E-mail addresses as identifiers."""

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

MAX_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets


def canonical_address(text: str) -> str:
    """Return the one form in which an address is stored, compared and written to.

    NFKC and case folding, so that look-alike spellings are one account, and mail goes to the
    stored address, never to the typed one (Django CVE-2019-19844). Raises ValidationError.
    """
    address = unicodedata.normalize("NFKC", text.strip()).casefold()
    address = unicodedata.normalize("NFKC", address)
    if len(address) > MAX_LENGTH:
        raise ValidationError(f"At most {MAX_LENGTH} characters.", code="too-long")
    validate_email(address)
    return address
