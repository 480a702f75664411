"""The proxies in front of frontend_site: which address, scheme, host and request ID arrive, and who chose them."""

from collections.abc import Iterator

from auth_api.doctor.door import Door
from auth_api.doctor.findings import Finding, fail, ok, warn
from auth_api.doctor.site_report import Seen
from auth_api.doctor.visit import FORGED_ADDRESS, FORGED_REQUEST_ID
from gatehouse.default_ports import DEFAULT_PORTS
from gatehouse.doctor import SiteReport
from gatehouse.forwarded import forwarded_address

_SHARED = "all clients share one address, and one throttle"
_WRITE_ADDRESS = (
    "Make the proxy add the client's address to X-Forwarded-For (docs/how-to/deploy); without a proxy, "
    "set GATEHOUSE_PROXY_HOPS=0."
)
_WRITE_SCHEME = (
    "Make the proxy set X-Forwarded-Proto to the scheme of the request, whatever the client sends."
)


def proxies(door: Door, plain: Seen, forged: Seen) -> Iterator[Finding]:
    """Yield what the proxies make of a request, and what they let a client claim."""
    yield client_address(forged.report)
    yield scheme(door, plain.report, forged.report)
    yield _host(door, plain.report)
    yield _request_id(forged.report)


def client_address(forged: SiteReport) -> Finding:
    """Judge which address counts, by a request whose X-Forwarded-For began with FORGED_ADDRESS.

    What stands to the right of it was written by proxies: so many hops there are.
    """
    check, hops = "client-address", forged.proxy_hops
    written = _written(forged.forwarded_for)
    counted = forwarded_address(forged.forwarded_for, hops)
    right = (
        f"Set GATEHOUSE_PROXY_HOPS={len(written)} for frontend_site." if written else _WRITE_ADDRESS
    )
    if counted == FORGED_ADDRESS:
        return fail(check, "a client can choose its own address with X-Forwarded-For", right)
    if len(written) != hops:
        found = f"{_proxies(len(written))} X-Forwarded-For, but GATEHOUSE_PROXY_HOPS is {hops}: {_SHARED}"
        return fail(check, found, right)
    if hops and counted is None:
        return fail(
            check, f"X-Forwarded-For has no address at hop {hops}: {_SHARED}", _WRITE_ADDRESS
        )
    return ok(check, f"{forged.client_address}, {_behind(hops)}; a forged address does not count")


def scheme(door: Door, plain: SiteReport, forged: SiteReport) -> Finding:
    """Judge whether https counts as https, and only then; the forged request claimed the other scheme."""
    check = "scheme"
    if forged.is_secure != door.is_secure and plain.is_secure == door.is_secure:
        return fail(check, "a client can choose the scheme with X-Forwarded-Proto", _WRITE_SCHEME)
    if door.is_secure and not plain.is_secure:
        found = "https requests count as http: HSTS is not sent"
        hops = (
            "" if plain.proxy_hops else " Then set GATEHOUSE_PROXY_HOPS to the number of proxies."
        )
        return fail(check, found, _WRITE_SCHEME + hops)
    if not door.is_secure and plain.environment == "production":
        return fail(
            check, "the front door is plain http", "Serve https, and give that origin with --url."
        )
    return ok(check, f"{'https' if door.is_secure else 'http'}; a forged scheme does not count")


def _written(forwarded_for: str) -> list[str]:
    """Return the addresses that proxies wrote. The client's own come first, so they end with the last forged one."""
    chain = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    forged = [place for place, address in enumerate(chain) if address == FORGED_ADDRESS]
    return chain[forged[-1] + 1 :] if forged else chain


def _proxies(count: int) -> str:
    return {0: "no proxy writes", 1: "one proxy writes"}.get(count, f"{count} proxies write")


def _behind(hops: int) -> str:
    return {0: "directly", 1: "behind one trusted proxy"}.get(
        hops, f"behind {hops} trusted proxies"
    )


def _host(door: Door, plain: SiteReport) -> Finding:
    default = f":{DEFAULT_PORTS['https' if door.is_secure else 'http']}"
    arrived = plain.host.lower().removesuffix(default)
    if arrived != door.host.lower().removesuffix(default):
        found = f"the proxy changes the Host header to {plain.host}"
        return fail(
            "host",
            found,
            "Make the proxy keep the Host header (nginx: proxy_set_header Host $http_host).",
        )
    return ok("host", arrived)


def _request_id(forged: SiteReport) -> Finding:
    if forged.request_id == FORGED_REQUEST_ID:
        found = "a client can choose the request ID in the logs"
        mend = "Make the proxy set or remove X-Request-Id (nginx: proxy_set_header X-Request-Id $request_id)."
        return warn("request-id", found, mend)
    return ok("request-id", "a forged one does not count")
