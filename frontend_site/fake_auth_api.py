"""A stand-in for auth_api in tests of apps: it knows who is signed in, and nothing else."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from frontend_site.settings.levels import AAL1
from gatehouse.cookies import SESSION_COOKIE
from gatehouse.site_data import FIELD


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in. `id` follows from the address, unless it is given. `acr` is "aal1" or "aal2".

    `auth_time`: when the user signed in, an aware datetime; None for now.
    """

    email: str = "ada@example.com"
    name: str = "Ada"
    groups: Sequence[str] = ()
    is_staff: bool = False
    id: str = field(default="")
    acr: str = AAL1
    auth_time: datetime | None = None

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", str(uuid5(NAMESPACE_URL, f"mailto:{self.email}")))


class FakeAuthApi(ThreadingHTTPServer):
    """Answers who is signed in, for the tokens that it has given out, and keeps what `request.session` holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.users: dict[str, SignedIn] = {}
        self.data: defaultdict[str, dict[str, Any]] = defaultdict(dict)  # by token
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The URL at which it listens."""
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
    now = datetime.now(UTC)
    began = now if user.auth_time is None else user.auth_time
    started, ends = _in_utc(began), _in_utc(now + timedelta(hours=1))
    return {
        "user": {
            "id": user.id, "email": user.email, "name": user.name, "email_verified": True,
            "is_staff": user.is_staff, "date_joined": started, "groups": sorted(user.groups),
        },
        "session": {
            "handle": "A" * 16, "created_at": started, "last_seen_at": started, "idle_expires_at": ends,
            "absolute_expires_at": ends, "remember": False,
            "assurance": {
                "acr": user.acr, "auth_time": started,
                "amr": ["pwd"] if user.acr == AAL1 else ["pwd", "otp", "mfa"],
            },
        },
    }  # fmt: skip


def _in_utc(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def fake_auth_api() -> FakeAuthApi:
    """Return the stand-in of this process; the first call starts it."""
    return FakeAuthApi()
