"""Cookies and forms through the front door: a sign-out with a made-up session, which shows both of our cookies."""

import secrets
from collections.abc import Iterator, Mapping

from auth_api.doctor.door import Door, Reply
from auth_api.doctor.findings import Finding, fail, ok, skipped
from auth_api.doctor.site_report import Seen
from gatehouse.cookies import CSRF_COOKIE, SESSION_COOKIE

_RULES = {  # what Set-Cookie must say (docs/explanation/csrf.md, docs/explanation/sessions.md)
    CSRF_COOKIE: {"path": "/", "secure": "", "samesite": "strict"},
    SESSION_COOKIE: {"path": "/", "secure": "", "samesite": "strict", "httponly": ""},
}
_FREE = frozenset({"max-age", "expires"})
_UNCHANGED = "Make the proxy pass Cookie and Set-Cookie unchanged (nginx: no proxy_cookie_flags, proxy_cookie_path or proxy_cookie_domain)."
_FORMS = "Let the proxy pass POST, and the headers Origin, Cookie, X-CSRF-Token and Content-Type, unchanged."


def cookies(door: Door, plain: Seen, _: Seen) -> Iterator[Finding]:
    """Yield whether cookies and unsafe calls pass. Nothing is signed out: no such session exists."""
    session = f"{SESSION_COOKIE}={secrets.token_urlsafe(12)}.{secrets.token_urlsafe(32)}"
    reply = door.get("/api/auth/csrf", Cookie=session)
    yield judge_cookie("csrf-cookie", reply, CSRF_COOKIE)
    if plain.report.status == "not ready":
        yield skipped("form", "frontend_site is not ready: it could only answer 503")
        return
    token = str(reply.document.get("csrfToken", ""))
    reply = door.send("POST", "/api/auth/logout", call_headers(door, token, session))
    if reply.status != 204:
        why = reply.document.get("reason") or reply.problem or "no answer from frontend_site"
        yield fail("form", f"a call with a CSRF token gets {reply.status} ({why})", _FORMS)
        return
    yield ok("form", "an unsafe call with a CSRF token passes")
    yield judge_cookie("session-cookie", reply, SESSION_COOKIE)


def call_headers(door: Door, token: str, session: str) -> dict[str, str]:
    """Return the headers of an unsafe call, as a script of the site sends it."""
    return {
        "Cookie": f"{session}; {CSRF_COOKIE}={token}",
        "X-CSRF-Token": token,
        "Origin": door.origin,
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/json",
    }


def judge_cookie(check: str, reply: Reply, name: str) -> Finding:
    """Judge the Set-Cookie of `name` in a reply by what Gatehouse sends."""
    lines = [line for line in reply.all("Set-Cookie") if line.partition("=")[0].strip() == name]
    if len(lines) != 1:
        return fail(check, f"{name} arrives {len(lines)} times instead of once", _UNCHANGED)
    attributes = _attributes(lines[0])
    given = {key: value for key, value in attributes.items() if key not in _FREE}
    if given != _RULES[name]:
        wanted = "; ".join(_spelled(_RULES[name]))
        found = f"{name} arrives with {'; '.join(_spelled(given)) or 'no attributes'} instead of {wanted}"
        return fail(check, found, _UNCHANGED)
    return ok(check, f"{name}; {'; '.join(_spelled(given))}")


def _attributes(line: str) -> dict[str, str]:
    """Return the attributes of a Set-Cookie line, without the value of the cookie."""
    parts = (part.strip().partition("=") for part in line.split(";")[1:])
    return {name.lower(): value.lower() for name, _, value in parts}


def _spelled(attributes: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" if value else name for name, value in sorted(attributes.items())]
