"""For tests of apps: a test client whose user is signed in without auth_api (docs/how-to/adopting.md).

    class NoteTests(TestCase):
        client_class = SiteClient

        def test_a_note_is_its_owners(self):
            self.client.sign_in(SignedIn("ada@example.com", groups=["editors"]))
            self.client.post("/notes/new", {"text": "Milk"})

Requests pass through the whole of this site, as those of a browser: gates, CSRF, limits of bodies.
"""

import json
import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.test import Client, override_settings
from django.test.client import MULTIPART_CONTENT
from django.utils.http import urlencode

from frontend_site.backend.client import auth_api
from frontend_site.middleware.csrf import csrf_signer
from frontend_site.options import options
from frontend_site.security.csrf import binding_of
from frontend_site.session_token import SessionToken
from frontend_site.settings.levels import AAL1
from gatehouse.cookies import CSRF_COOKIE, SESSION_COOKIE
from gatehouse.site_data import FIELD

_FORM = "application/x-www-form-urlencoded"
_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in. `id` follows from the address, unless it is given. `acr` is "aal1" or "aal2"."""

    email: str = "ada@example.com"
    name: str = "Ada"
    groups: Sequence[str] = ()
    is_staff: bool = False
    id: str = field(default="")
    acr: str = AAL1

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", str(uuid5(NAMESPACE_URL, f"mailto:{self.email}")))


class SiteClient(Client):
    """Django's test client, with what a browser on this site sends along.

    Unsafe requests carry their CSRF token, unless `enforce_csrf_checks` is True.
    """

    def sign_in(self, user: SignedIn | None = None) -> SignedIn:
        """Sign in `user` (anybody, if none is given), and return it."""
        user = user or SignedIn()
        token = f"{secrets.token_urlsafe(12)}.{secrets.token_urlsafe(32)}"
        _fake().users[token] = user
        self.cookies[SESSION_COOKIE] = token
        return user

    @property
    def session(self) -> dict[str, Any]:  # type: ignore[override]
        """What `request.session` holds for the signed-in user. A test may change it between two requests."""
        return _fake().data[self.cookies[SESSION_COOKIE].value]

    def force_login(self, user: Any, backend: str | None = None) -> None:
        """Sign in a `SignedIn`, as Django's client does with its users."""
        self.sign_in(user)

    def logout(self) -> None:
        """Forget who is signed in."""
        self.cookies.pop(SESSION_COOKIE, None)

    def post(
        self,
        path: Any,
        data: Any = None,
        content_type: str = MULTIPART_CONTENT,
        *args: Any,
        **extra: Any,
    ) -> Any:
        """Send a form as browsers do: as multipart/form-data only if it has a file."""
        if content_type == MULTIPART_CONTENT and not any(map(_is_file, (data or {}).values())):
            data, content_type = urlencode(data or {}, doseq=True), _FORM
        return super().post(path, data, content_type, *args, **extra)

    def request(self, **request: Any) -> Any:
        """Send a request while the fake stands for auth_api."""
        if (
            request.get("REQUEST_METHOD", "GET") not in _SAFE
            and not self.handler.enforce_csrf_checks
        ):
            request = {**self._of_our_page(), **request}
        ours = replace(options(), auth_api_url=_fake().url)
        with override_settings(GATEHOUSE=ours):
            auth_api.cache_clear()
            try:
                return super().request(**request)
            finally:
                auth_api.cache_clear()

    def _of_our_page(self) -> dict[str, str]:
        """Return the headers of a script of our page; they are good for forms, too."""
        cookie = self.cookies.get(SESSION_COOKIE)
        session = SessionToken.parse(cookie.value) if cookie else None
        token = csrf_signer().issue(binding_of(session))
        self.cookies[CSRF_COOKIE] = token
        return {
            "HTTP_X_CSRF_TOKEN": token,
            "HTTP_SEC_FETCH_SITE": "same-origin",
            "HTTP_ORIGIN": "http://testserver",
        }


def _is_file(value: Any) -> bool:
    return hasattr(value, "read")


class _FakeAuthApi(ThreadingHTTPServer):
    """Answers who is signed in, for the tokens that it has given out, and keeps what `request.session` holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.users: dict[str, SignedIn] = {}
        self.data: defaultdict[str, dict[str, Any]] = defaultdict(dict)  # by token
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Answer /v1/session and /v1/session/data, and nothing else."""
        cookies = self.headers.get("Cookie", "")
        token = cookies.partition(f"{SESSION_COOKIE}=")[2].partition(";")[0]
        fake: Any = self.server
        user = fake.users.get(token)
        if not self.path.startswith("/v1/session"):
            self.send(404, {"type": "urn:gatehouse:problem:not-found", "status": 404})
        elif user is None:
            self.send(401, {"type": "urn:gatehouse:problem:session-ended", "status": 401})
        elif self.command == "PATCH":
            change = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.data[token].update(change["changed"])
            for key in change["deleted"]:
                fake.data[token].pop(key, None)
            self.send_response(204)
            self.end_headers()
        else:
            data = fake.data[token] if "Gatehouse-Site-Data" in self.headers else None
            self.send(200, _session_of(user) | ({FIELD: data} if data else {}))

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def send(self, status: int, document: dict[str, Any]) -> None:
        """Send one answer."""
        body = json.dumps(document).encode()
        kind = "application/json" if status < 400 else "application/problem+json"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def _session_of(user: SignedIn) -> dict[str, Any]:
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    began, ends = f"{now.isoformat()}Z", f"{(now + timedelta(hours=1)).isoformat()}Z"
    return {
        "user": {
            "id": user.id, "email": user.email, "name": user.name, "email_verified": True,
            "is_staff": user.is_staff, "date_joined": began, "groups": sorted(user.groups),
        },
        "session": {
            "handle": "A" * 16, "created_at": began, "last_seen_at": began, "idle_expires_at": ends,
            "absolute_expires_at": ends, "remember": False,
            "assurance": {
                "acr": user.acr, "auth_time": began,
                "amr": ["pwd"] if user.acr == AAL1 else ["pwd", "otp", "mfa"],
            },
        },
    }  # fmt: skip


@cache
def _fake() -> _FakeAuthApi:
    return _FakeAuthApi()
