"""E-mail addresses as identifiers: stored as their owner typed them, compared by one rule.

The domain is stored as DNS is queried: in lower case, in ASCII by IDNA 2008 (UTS 46,
non-transitional, as in browsers), so `faß.de` is `xn--fa-hia.de` and never `fass.de`. Only the
receiving host may interpret the local part (RFC 5321, section 2.4), so it keeps the spelling to which
mail goes. Two addresses belong to the same account if they differ only in the case of ASCII letters.
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
    """Return the form in which an address is stored and mailed to: the local part as it was typed.

    Raises ValidationError for an address that no account may have: an ambiguous local part or domain,
    a quoted local part or a literal IP address. Mail software could read those differently from us.
    """
    address = stored_form(text)
    if len(address) > MAX_LENGTH:
        raise ValidationError(f"Use at most {MAX_LENGTH} characters.", code="too-long")
    if not address.isascii() or '"' in address or "[" in address:
        raise ValidationError("Enter a plain e-mail address.", code="invalid")
    validate_email(address)
    return address


def address_key(address: str) -> str:
    """Return the form that all spellings of one account share: with ASCII letters in lower case.

    No other character is folded: the Kelvin sign is not `k`, and `ß` is not `ss`.
    """
    return address.translate(_LOWER)


def stored_form(text: str) -> str:
    """Return `text` with its domain as DNS is queried; does not check the local part.

    A domain that IDNA 2008 refuses stays as it is, for validation to refuse.
    """
    local, at, domain = text.strip().rpartition("@")
    return f"{local}{at}{_wire_domain(domain)}" if at else text.strip()


def earlier_key(text: str) -> str:
    """Return the address under which earlier versions stored what is typed as `text`.

    They folded the whole address by NFKC and `casefold`, and the domain by IDNA 2003: `ß` became `ss`,
    a final sigma an ordinary one, and joiners were removed.
    """
    address = unicodedata.normalize("NFKC", text.strip()).casefold()
    address = unicodedata.normalize("NFKC", address)
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode()}" if at else address
    except UnicodeError:  # not a domain
        return address


def _wire_domain(domain: str) -> str:
    if domain.isascii():  # as DNS is queried, whatever it stands for
        return address_key(domain)
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode()
    except UnicodeError:
        return domain


class AsciiLower(Lower):
    """`LOWER` for ASCII letters only, whatever the database's locale: in Turkish, `I` does not become `i`."""

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template='%(function)s(%(expressions)s COLLATE "C")', **context
        )


class AddressField(_TextField):
    """Stores the canonical form and ignores case in comparisons, for every writer and query.

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
    """`email=`: matches any spelling of the address."""

    def __init__(self, lhs: Any, rhs: Any) -> None:
        stored = _is_query(rhs)  # a subquery: compare stored values
        super().__init__(lhs if stored else AsciiLower(lhs), rhs if stored else _lowered(rhs))


@AddressField.register_lookup
class OneOfAddresses(lookups.In):
    """`email__in=`: matches any spelling of each address."""

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
