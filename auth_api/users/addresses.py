"""E-mail addresses as identifiers: stored as their owner typed them, compared by one rule.

The domain is what DNS is asked for: lower case, in ASCII by IDNA 2008 (UTS 46, non-transitional, as
browsers do it), so `faß.de` is `xn--fa-hia.de` and never `fass.de`. The local part belongs to the
receiver (RFC 5321, section 2.4): it keeps its spelling, and mail goes to that one. Two addresses are
the same account when they differ in the case of ASCII letters only.
"""

import unicodedata
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import lookups
from django.db.models.functions import Lower

if TYPE_CHECKING:
    _TextField = models.CharField[str, str]
else:
    _TextField = models.CharField

MAX_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def canonical_address(text: str) -> str:
    """Return the form in which an address is stored and written to: the local part as it was typed.

    Raises ValidationError for what no account may have: a local part or a domain that cannot be read
    in one way only, and quoted local parts and literal IP addresses, in which mail software and we
    could see different receivers.
    """
    address = stored_form(text)
    if len(address) > MAX_LENGTH:
        raise ValidationError(f"At most {MAX_LENGTH} characters.", code="too-long")
    if not address.isascii() or '"' in address or "[" in address:
        raise ValidationError("Enter a plain e-mail address.", code="invalid")
    validate_email(address)
    return address


def address_key(address: str) -> str:
    """Return what two spellings of one account have in common: lower-case ASCII letters.

    No other character is folded: a Kelvin sign is no `k`, and `ß` is not `ss`.
    """
    return address.translate(_LOWER)


def stored_form(text: str) -> str:
    """Return `text` with its domain as it goes over the wire; does not judge the local part.

    A domain that IDNA 2008 refuses stays as it is, for validation to refuse.
    """
    local, at, domain = text.strip().rpartition("@")
    return f"{local}{at}{_wire_domain(domain)}" if at else text.strip()


def earlier_key(text: str) -> str:
    """Return the address under which earlier versions stored what is typed as `text`.

    They folded all of it by NFKC and `casefold`, and took the domain through IDNA 2003: `ß` became
    `ss`, a final sigma another sigma, and joiners went away.
    """
    address = unicodedata.normalize("NFKC", text.strip()).casefold()
    address = unicodedata.normalize("NFKC", address)
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode()}" if at else address
    except UnicodeError:  # no domain at all
        return address


def _wire_domain(domain: str) -> str:
    if domain.isascii():  # what DNS is asked for, whatever it stands for
        return address_key(domain)
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode()
    except UnicodeError:
        return domain


class AsciiLower(Lower):
    """`LOWER` of ASCII letters alone, whatever the database's locale: in Turkish, I is no i."""

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template='%(function)s(%(expressions)s COLLATE "C")', **context
        )


class AddressField(_TextField):
    """Stores the canonical form and compares without case, whoever writes or asks.

    `exact` and `in` find every spelling; the unique constraint over AsciiLower is their index.
    """

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return stored_form(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs  # the column is a plain one


@AddressField.register_lookup
class SameAddress(lookups.Exact):
    """`email=`: the account of any spelling."""

    def __init__(self, lhs: Any, rhs: Any) -> None:
        stored = _is_query(rhs)  # compared as they are stored
        super().__init__(lhs if stored else AsciiLower(lhs), rhs if stored else _lowered(rhs))


@AddressField.register_lookup
class OneOfAddresses(lookups.In):
    """`email__in=`: the accounts of any spellings."""

    def __init__(self, lhs: Any, rhs: Any) -> None:
        stored = _is_query(rhs)
        values = rhs if stored else [_lowered(one) for one in rhs]
        super().__init__(lhs if stored else AsciiLower(lhs), values)


def _is_query(value: Any) -> bool:
    return hasattr(value, "get_compiler")


def _lowered(value: Any) -> Any:
    if isinstance(value, str):
        return address_key(stored_form(value))
    return AsciiLower(value) if hasattr(value, "resolve_expression") else value
