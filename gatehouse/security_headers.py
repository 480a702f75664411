"""Security headers for every response (OWASP HTTP Headers Cheat Sheet)."""

_FEATURES = (
    "accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation "
    "gyroscope hid magnetometer microphone midi payment picture-in-picture serial usb "
    "screen-wake-lock xr-spatial-tracking"
)
# On every answer of both services, errors, files and gunicorn's refusals included.
COMMON = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers without frame-ancestors
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in _FEATURES.split()),
}
# The Content-Security-Policy of what is no page.
NO_PAGE = (
    "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
_COVERAGE = {
    "host": "",
    "subdomains": "; includeSubDomains",
    "preload": "; includeSubDomains; preload",
}


def hsts(coverage: str, seconds: int) -> str:
    """Return the value of Strict-Transport-Security (RFC 6797), "" for none: only over https, in production.

    `coverage` and `seconds`: GATEHOUSE_HSTS and GATEHOUSE_HSTS_AGE.
    """
    return "" if coverage == "off" else f"max-age={seconds}{_COVERAGE[coverage]}"
