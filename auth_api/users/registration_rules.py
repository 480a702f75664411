"""Who may create an account, and with which addresses (GATEHOUSE_REGISTRATION, GATEHOUSE_MAIL_DOMAINS).

The answers depend on the settings and on what was typed, never on whether an account exists.
"""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from auth_api.errors import RegistrationClosed
from auth_api.options import options

if TYPE_CHECKING:
    from .models import User


def require_open_registration() -> None:
    """Raise RegistrationClosed unless everybody may register."""
    if options().registration != "open":
        raise RegistrationClosed


def invitations_work() -> bool:
    """Whether invitations may be sent and accepted."""
    return options().registration != "closed"


def may_register(email: str) -> bool:
    """Whether a registration of `email` is still welcome: the settings may have changed since."""
    return options().registration == "open" and is_allowed_domain(email)


def is_still_welcome(user: "User") -> bool:
    """Whether `user` may have links mailed: not an unconfirmed registration that `may_register` refuses."""
    return not user.is_registration or may_register(user.email)


def require_still_welcome(user: "User") -> None:
    """Raise RegistrationClosed unless `is_still_welcome`."""
    if not is_still_welcome(user):
        raise RegistrationClosed


def is_allowed_domain(address: str) -> bool:
    """Whether people may choose `address`, a canonical one. Subdomains are domains of their own."""
    allowed = options().mail_domains
    return not allowed or address.rpartition("@")[2] in allowed


def require_allowed_domain(address: str) -> None:
    """Raise ValidationError if people may not choose `address`, a canonical one."""
    if not is_allowed_domain(address):
        names = ", ".join(sorted(options().mail_domains))
        raise ValidationError(f"Use an address of one of these domains: {names}.", code="domain")
