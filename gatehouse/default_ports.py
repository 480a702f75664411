"""The ports of http and https, if a URL names none (RFC 9110, 4.2)."""

DEFAULT_PORTS = {"http": 80, "https": 443}
