"""E-mail addresses as identifiers."""

import unicodedata
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

if TYPE_CHECKING:
    _TextField = models.CharField[str, str]
else:
    _TextField = models.CharField

MAX_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets


def canonical_address(text: str) -> str:
    """Return the one form in which an address is stored, compared and written to.

    Raises ValidationError for what no account may have: also for quoted local parts and literal
    IP addresses, in which mail software and we could see different receivers.
    """
    address = fold_address(text)
    if len(address) > MAX_LENGTH:
        raise ValidationError(f"At most {MAX_LENGTH} characters.", code="too-long")
    if '"' in address or "[" in address:
        raise ValidationError("Enter a plain e-mail address.", code="invalid")
    validate_email(address)
    return address


def fold_address(text: str) -> str:
    """Return `text` with look-alike spellings folded into one; does not judge it.

    NFKC and case folding, and the domain as it goes over the wire (IDNA, by the codec that Django's
    mails use): so `a@b\u00fccher.example` and `a@xn--bcher-kva.example` are one account, and mail
    goes to the stored address, never to the typed one (Django CVE-2019-19844).
    """
    address = unicodedata.normalize("NFKC", text.strip()).casefold()
    address = unicodedata.normalize("NFKC", address)
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode()}" if at else address
    except UnicodeError:  # no domain at all: validation says so
        return address


class AddressField(_TextField):
    """Stores and compares the folded form, whoever writes: form, command or bare ORM."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return fold_address(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs  # the column is a plain one
