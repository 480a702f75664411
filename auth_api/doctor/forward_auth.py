"""Apps behind forward auth: whether the proxy asks about each of them, and whether only the proxy can ask."""

from collections.abc import Iterator

from auth_api.doctor.door import Door
from auth_api.doctor.findings import Finding, fail, ok, skipped, warn
from auth_api.doctor.site_report import Seen

_VERIFY = "/auth/verify"
_MOST = 10  # apps that are looked at
_CLAIM = {"Remote-User": "doctor", "X-Forwarded-User": "doctor", "Gatehouse-User-Id": "doctor"}
_DOCS = "(docs/how-to/forward-auth.md)"


def forward_auth(door: Door, plain: Seen, _: Seen) -> Iterator[Finding]:
    """Yield how the proxy treats somebody who is not signed in, and who claims to be."""
    paths = plain.report.forward_auth_paths
    if not paths:
        yield skipped("forward-auth", "GATEHOUSE_ACCESS_RULES names no app behind forward auth")
        return
    yield _verify(door)
    yield from (_app(door, path) for path in paths[:_MOST])


def _verify(door: Door) -> Finding:
    """With the proxy's headers, as a script of this origin would send them."""
    status = door.get(
        _VERIFY, X_Forwarded_Method="GET", X_Forwarded_Uri="/", Accept="text/html"
    ).status
    if status == 404:
        return ok("forward-auth", f"{_VERIFY} cannot be reached from outside")
    found = f"{_VERIFY} answers {status} to clients: a script of this origin could fetch an identity token"
    return fail("forward-auth", found, f"Make the proxy answer 404 to clients there {_DOCS}.")


def _app(door: Door, path: str) -> Finding:
    navigation = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
    honest = door.send("GET", path, navigation).status
    lying = door.send("GET", path, {**navigation, **_CLAIM}).status
    if honest == 404 and lying in (403, 404):
        return warn(
            "forward-auth",
            f"{path} answers 404: no proxy serves it",
            f"Add it to the proxy, or remove its access rule {_DOCS}.",
        )
    if 200 <= honest < 300 or 200 <= lying < 300:
        who = "to anybody" if 200 <= honest < 300 else "to anybody who sends Remote-User"
        return fail(
            "forward-auth",
            f"{path} is served {who}, without a session",
            f"Make the proxy ask {_VERIFY} about it {_DOCS}.",
        )
    if honest not in (301, 302, 303, 307, 401):
        found = f"{path} answers {honest} instead of leading to the login page"
        return fail(
            "forward-auth",
            found,
            f"Make the proxy send X-Forwarded-Method and X-Forwarded-Uri to {_VERIFY} {_DOCS}.",
        )
    return ok("forward-auth", f"{path} leads to the login page, and refuses a forged Remote-User")
