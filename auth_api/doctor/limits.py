"""The proxy's limits of bodies and headers, which must not be below ours."""

from collections.abc import Iterator

from auth_api.doctor.cookies import call_headers
from auth_api.doctor.door import Door
from auth_api.doctor.findings import Finding, fail, ok, warn
from auth_api.doctor.site_report import Seen

_HEAD_ROOM = 4096  # bytes below our limit
_SHORT, _LONG = 7000, 9000  # characters of cookies: within our limit of 8190, and beyond
_COOKIES = "Let the proxy accept 16 KB of headers (nginx: large_client_header_buffers 4 16k)."


def limits(door: Door, plain: Seen, _: Seen) -> Iterator[Finding]:
    """Yield whether everything that frontend_site accepts passes the proxy."""
    yield _body(door, plain.report.body_limit - _HEAD_ROOM)
    if plain.report.largest_body > plain.report.body_limit:
        yield upload_limit(door, plain.report.largest_body_path, plain.report.largest_body)
    yield _cookies(door)


def _body(door: Door, size: int) -> Finding:
    """Without a CSRF token, so that frontend_site reads it and refuses."""
    reply = door.send("POST", "/api/auth/logout", call_headers(door, "", ""), b"0" * size)
    if reply.problem:
        return ok("body-limit", f"{size // 1024} KiB pass")
    found = f"a body of {size // 1024} KiB gets {reply.status} from the proxy"
    return fail(
        "body-limit",
        found,
        "Let the proxy accept bodies of 64 KiB (nginx: client_max_body_size 64k).",
    )


def upload_limit(door: Door, path: str, size: int) -> Finding:
    """Judge a body of `size` bytes to a view at `path`. Only its length is sent."""
    reply = door.announce(path, size)
    if reply is None or reply.status != 413:
        return ok("upload-limit", f"{size // 1024} KiB pass at {path}, the largest limit of a view")
    found = f"views at {path} take {size // 1024} KiB, but the proxy answers 413"
    mend = f"Let the proxy accept bodies of {size // 1024} KiB (nginx: client_max_body_size {size // 1024}k in site.conf)."
    return fail("upload-limit", found, mend)


def _cookies(door: Door) -> Finding:
    if door.get("/healthz", Cookie=f"a={'b' * _SHORT}").status != 200:
        return fail("cookie-limit", f"{_SHORT} characters of cookies are refused", _COOKIES)
    status = door.get("/login", Cookie=f"a={'b' * _LONG}").status
    if status != 431:
        found = f"too many cookies get {status} from the proxy, without the page that says which to delete"
        return warn("cookie-limit", found, _COOKIES)
    return ok("cookie-limit", "too many cookies get the page that says which to delete")
