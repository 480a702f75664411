"""Converts EMAIL_URL to Django's e-mail settings. Rejects a URL that it cannot use completely."""

from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_BACKENDS = "django.core.mail.backends."
_FORMS = "console://, memory://, file:///folder, smtp://, smtp+tls:// or smtps://host"
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_STARTS_TLS, _IS_TLS = "starttls", "ssl"
_OPTIONS = {"tls": _STARTS_TLS, "starttls": _STARTS_TLS, "ssl": _IS_TLS}


def email_settings(url: str) -> dict[str, Any]:
    """Return Django's settings for console://, memory://, file:///folder, smtp:// and smtps://.

    `smtp+tls://` or `?tls=1` (`starttls=1`) uses STARTTLS; `smtps://` or `?ssl=1` uses implicit TLS.
    User and password are percent-encoded. Raises ImproperlyConfigured, which never shows the URL,
    also if a password would leave this machine in clear text.
    """
    try:
        parts = urlsplit(url)
        user, password = _credentials(parts)
        port = parts.port
    except ValueError:
        raise _refused("cannot be parsed; percent-encode the user and the password") from None
    if parts.scheme in ("smtp", "smtps", "smtp+tls"):
        return _smtp(parts, port, user, password)
    if parts.query or parts.fragment or parts.netloc:
        raise _refused(f"only smtp has a host and options; use {_FORMS}")
    match parts.scheme:
        case "console":
            return {"EMAIL_BACKEND": f"{_BACKENDS}console.EmailBackend"}
        case "memory":
            return {"EMAIL_BACKEND": f"{_BACKENDS}locmem.EmailBackend"}
        case "file" if parts.path:
            return {
                "EMAIL_BACKEND": f"{_BACKENDS}filebased.EmailBackend",
                "EMAIL_FILE_PATH": unquote(parts.path),
            }
    raise _refused(f"must be {_FORMS}")


def sender_with_name(sender: str, site_name: str) -> str:
    """Return `sender`, one address, with the site's name if it has none of its own."""
    name, address = parseaddr(sender)
    return sender if name else str(Address(display_name=site_name, addr_spec=address))


def _smtp(parts: SplitResult, port: int | None, user: str, password: str) -> dict[str, Any]:
    if parts.path.strip("/") or parts.fragment:
        raise _refused("has a path or a fragment; percent-encode the user and the password")
    if bool(user) != bool(password):
        raise _refused("needs both a user and a password, or neither")
    starts_tls, is_tls = _protection(parts)
    host = parts.hostname or "localhost"
    if password and not (starts_tls or is_tls or is_loopback(host)):
        raise _refused(
            "would send the password in clear text; use smtp+tls:// or ?tls=1 (STARTTLS), or smtps://"
        )
    return {
        "EMAIL_BACKEND": f"{_BACKENDS}smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port or (465 if is_tls else 25),
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_SSL": is_tls,
        "EMAIL_USE_TLS": starts_tls,
        "EMAIL_TIMEOUT": 10,  # seconds; only the outbox waits for it
    }


def _protection(parts: SplitResult) -> tuple[bool, bool]:
    """Return whether to use STARTTLS, and whether to use implicit TLS."""
    wanted = {_STARTS_TLS: parts.scheme == "smtp+tls", _IS_TLS: parts.scheme == "smtps"}
    found: dict[str, bool] = {name: True for name, on in wanted.items() if on}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        name, value = _OPTIONS.get(key.lower()), value.lower()
        if name is None or value not in _TRUE | _FALSE:
            raise _refused(
                "the options are tls, starttls and ssl; set each to 1, true, yes, on, 0, false, no or off"
            )
        if found.setdefault(name, value in _TRUE) != (value in _TRUE):
            raise _refused("turns TLS both on and off; remove one of the two")
    if found.get(_STARTS_TLS) and found.get(_IS_TLS):
        raise _refused(
            "use either STARTTLS (tls, starttls) or implicit TLS (ssl, smtps://), not both"
        )
    return found.get(_STARTS_TLS, False), found.get(_IS_TLS, False)


def _credentials(parts: SplitResult) -> tuple[str, str]:
    """Return user and password. Raises ValueError if they are not percent-encoded UTF-8."""
    user, password = parts.username or "", parts.password or ""
    return unquote(user, errors="strict"), unquote(password, errors="strict")


def is_loopback(host: str) -> bool:
    """Whether mails to the server `host` stay on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"EMAIL_URL: {why}")
