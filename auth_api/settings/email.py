"""EMAIL_URL to Django's e-mail settings."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_BACKENDS = "django.core.mail.backends."


def email_settings(url: str) -> dict[str, Any]:
    """Return Django's settings for console://, memory://, file:///folder, smtp:// and smtps://.

    `smtp+tls://user:password@host:587`, or `?tls=1`, starts TLS. Raises ImproperlyConfigured.
    """
    parts = urlsplit(url)
    starts_tls = parts.scheme == "smtp+tls" or parse_qs(parts.query).get("tls") == ["1"]
    match parts.scheme:
        case "console":
            return {"EMAIL_BACKEND": f"{_BACKENDS}console.EmailBackend"}
        case "memory":
            return {"EMAIL_BACKEND": f"{_BACKENDS}locmem.EmailBackend"}
        case "file":
            return {
                "EMAIL_BACKEND": f"{_BACKENDS}filebased.EmailBackend",
                "EMAIL_FILE_PATH": parts.path,
            }
        case "smtp" | "smtps" | "smtp+tls":
            return {
                "EMAIL_BACKEND": f"{_BACKENDS}smtp.EmailBackend",
                "EMAIL_HOST": parts.hostname or "localhost",
                "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
                "EMAIL_HOST_USER": unquote(parts.username or ""),
                "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
                "EMAIL_USE_SSL": parts.scheme == "smtps",
                "EMAIL_USE_TLS": starts_tls,
                "EMAIL_TIMEOUT": 10,  # seconds; only the outbox waits for it
            }
    raise ImproperlyConfigured(
        "EMAIL_URL: console://, memory://, file:///folder, smtp://, smtp+tls:// or smtps://host"
    )
