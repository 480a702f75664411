"""TLS at the front door: the certificate, the redirect from http, HSTS, and the security headers."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509

from auth_api.doctor.door import Door, DoorClosed
from auth_api.doctor.findings import Finding, fail, ok, skipped, warn
from auth_api.doctor.site_report import Seen
from gatehouse.security_headers import COMMON

_SOON = timedelta(days=14)
_PATIENCE = 5.0  # seconds
_EXPECTED = {**COMMON, "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
_ONCE = ("Content-Security-Policy", "X-Request-Id")  # of any value
_PAGE = "/login"


def tls(door: Door, plain: Seen, _: Seen) -> Iterator[Finding]:
    """Yield how the front door protects connections; skipped for http."""
    if not door.is_secure:
        yield from (
            skipped(name, "the front door is http") for name in ("certificate", "redirect", "hsts")
        )
        return
    yield _certificate(door)
    yield _redirect(door)
    yield _hsts(door, plain)


def headers(door: Door, plain: Seen, _: Seen) -> Iterator[Finding]:
    """Yield the security headers of a page that a proxy has removed, changed or doubled."""
    reply = door.get(_PAGE, Accept="text/html")
    if reply.status != 200:
        yield fail(
            "headers",
            f"{_PAGE} answers {reply.status}",
            "Make the proxy pass every path to frontend_site.",
        )
        return
    wrong = [name for name, value in _EXPECTED.items() if reply.all(name) != (value,)]
    wrong += [name for name in _ONCE if len(reply.all(name)) != 1]
    if wrong:
        found = f"a proxy removes, changes or doubles {', '.join(wrong)}"
        yield fail(
            "headers", found, "Make the proxy pass these headers as frontend_site sends them."
        )
    else:
        yield ok("headers", f"all {len(_EXPECTED) + len(_ONCE)} security headers arrive, once each")


def _certificate(door: Door) -> Finding:
    try:
        pem = ssl.get_server_certificate((door.name, door.port), timeout=_PATIENCE)
    except OSError as error:
        return fail("certificate", f"no TLS at {door.origin} ({error})", "Look at the proxy's log.")
    ends = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    found = f"valid until {ends:%Y-%m-%d %H:%M} UTC"
    if ends - datetime.now(UTC) < _SOON:
        return warn(
            "certificate", found, "Renew it, and find out why it was not renewed automatically."
        )
    return ok("certificate", found)


def _redirect(door: Door) -> Finding:
    """The other port is known only for the usual one."""
    if door.port != 443:
        return skipped("redirect", "only checked when https is on port 443")
    try:
        reply = Door(f"http://{door.name}").get("/")
    except DoorClosed:
        return ok("redirect", "nothing answers on port 80")
    to = reply.one("Location")
    if reply.status in (301, 302, 307, 308) and to.startswith("https://"):
        return ok("redirect", f"http redirects to {to[:100]}")
    return fail(
        "redirect",
        f"http answers {reply.status}, without a redirect to https",
        "Redirect port 80 to https in the proxy.",
    )


def _hsts(door: Door, plain: Seen) -> Finding:
    wanted, sent = plain.report.hsts, door.get(_PAGE).all("Strict-Transport-Security")
    if not wanted:
        is_production = plain.report.environment == "production"
        return skipped("hsts", "GATEHOUSE_HSTS is off" if is_production else "only in production")
    if sent == (wanted,):
        return ok("hsts", wanted)
    if not sent:
        found = "Strict-Transport-Security does not arrive"
        return fail(
            "hsts", found, "Make the proxy pass it on, and X-Forwarded-Proto to frontend_site."
        )
    found = f"Strict-Transport-Security arrives as {' and '.join(sent)}, but GATEHOUSE_HSTS means {wanted}"
    return fail("hsts", found, "Remove the header from the proxy's configuration.")
