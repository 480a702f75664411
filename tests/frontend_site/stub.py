"""A stand-in for auth_api: a real HTTP server with canned answers in the agreed shapes."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.frontend_site.stub_events import EventStreams

TOKEN = "AbCdEfGhIjKlMnOp." + "s" * 43
NEW_TOKEN = "AbCdEfGhIjKlMnOp." + "n" * 43
HANDLE = "h" * 16
IDENTITY = "identity.for.reports"
ATTRIBUTES = "; HttpOnly; Path=/; SameSite=Strict; Secure"
SET_SESSION = f"__Host-session={NEW_TOKEN}{ATTRIBUTES}"
EXPIRE_SESSION = f"__Host-session=; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{ATTRIBUTES}"

USER = {
    "id": "0b7c7f0e-6f0a-4c38-9d0b-0f6f3a2f1a11",
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "email_verified": True,
    "is_staff": False,
    "date_joined": "2026-03-02T08:00:00Z",
    "groups": ["dev", "ops"],
}

SECRET = "ABCD2345" * 4
FACTOR = {
    "id": HANDLE,
    "type": "totp",
    "name": "Telephone",
    "added_at": "2026-03-02T08:00:00Z",
    "last_used_at": None,
}


def moment(offset: float) -> str:
    """The time `offset` seconds from now, as auth_api writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))


def assurance(level: str = "aal1", *, ends: float = 3599) -> dict[str, Any]:
    """What auth_api says of a session that has shown a second factor, or has not."""
    second = level == "aal2"
    return {
        "acr": level,
        "amr": ["pwd", "otp", "mfa"] if second else ["pwd"],
        "auth_time": moment(-300),
        "expires_at": moment(ends) if second else None,
        "methods": ["pwd", "otp"] if second else ["pwd"],
    }


def at_level(level: str, document: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The body of GET /v1/session, or `document`, of a session at `level`."""
    found = document or current_session()
    found["session"]["assurance"] = {**assurance(level), **changes}
    return found


def current_session(**changes: Any) -> dict[str, Any]:
    """The body of GET /v1/session."""
    session = {
        "handle": HANDLE,
        "created_at": moment(-300),
        "last_seen_at": moment(0),
        "idle_expires_at": moment(3599),
        "absolute_expires_at": moment(43000),
        "remember": False,
        "assurance": assurance(),
    }
    return {"user": {**USER, **changes}, "session": session}


def identity() -> dict[str, Any]:
    """The body of GET /v1/identity."""
    return {"token": IDENTITY, **current_session()}


@dataclass(frozen=True)
class Canned:
    """One answer. `body`: bytes as they are, anything else as JSON."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


def problem(slug: str, status: int, *headers: tuple[str, str], **extra: Any) -> Canned:
    """A problem document as auth_api sends it."""
    document = {
        "type": f"urn:gatehouse:problem:{slug}",
        "title": slug,
        "status": status,
        "detail": slug,
        "request_id": "r" * 16,
        **extra,
    }
    return Canned(status, document, headers, "application/problem+json")


NO_SESSION = problem("no-session", 401)
SESSION_ENDED = problem("session-ended", 401, ("Set-Cookie", EXPIRE_SESSION), reason="idle")
# Status and Retry-After of an outage: clients are spread, so that they do not return together.
RETRY_SOON = [(503, str(seconds)) for seconds in (1, 2, 3, 4)]
STORE_DOWN = problem("session-store-unavailable", 503, ("Retry-After", "2"))


@dataclass(frozen=True)
class Seen:
    """One request as it reached the stub."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int  # which TCP connection it came by

    def header(self, name: str) -> str | None:
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Canned | Callable[[BaseHTTPRequestHandler], None]


def default_answers() -> dict[str, Behaviour]:
    return {
        "POST /v1/login": Canned(200, current_session(), (("Set-Cookie", SET_SESSION),)),
        "POST /v1/logout": Canned(204, b"", (("Set-Cookie", EXPIRE_SESSION),)),
        "GET /v1/session": Canned(200, current_session()),
        "GET /v1/session?slide=false": Canned(200, current_session()),
        "GET /v1/sessions": Canned(200, {"items": [], **current_session()}),
        f"DELETE /v1/sessions/{HANDLE}": Canned(204, b""),
        "GET /v1/factors": Canned(
            200, {"items": [FACTOR], "recovery_codes_left": 3, **current_session()}
        ),
        "POST /v1/factors/totp": Canned(
            200, {"secret": SECRET, "uri": f"otpauth://totp/x?secret={SECRET}"}
        ),
        "POST /v1/factors/totp/confirm": Canned(
            200, current_session(), (("Set-Cookie", SET_SESSION),)
        ),
        f"PATCH /v1/factors/{HANDLE}": Canned(204, b""),
        f"DELETE /v1/factors/{HANDLE}": Canned(204, b""),
        "POST /v1/factors/recovery-codes": Canned(200, {"codes": ["AAAA-" * 5 + "AAAA"] * 10}),
        "POST /v1/factors/recovery-codes/confirm": Canned(204, b""),
        "POST /v1/login/enrol": Canned(
            200, {"secret": SECRET, "uri": f"otpauth://totp/x?secret={SECRET}"}
        ),
        "POST /v1/login/enrol/confirm": Canned(
            200, current_session(), (("Set-Cookie", SET_SESSION),)
        ),
        "POST /v1/login/factor": Canned(200, current_session(), (("Set-Cookie", SET_SESSION),)),
        "GET /v1/security-events": Canned(200, {"items": [], **current_session()}),
        "POST /v1/sessions/disown": Canned(200, {"detail": "Done."}),
        "POST /v1/sessions/revoke-others": Canned(200, {"revoked": 2}),
        "POST /v1/sessions/revoke-all": Canned(
            200, {"revoked": 3}, (("Set-Cookie", EXPIRE_SESSION),)
        ),
        "POST /v1/reauthenticate": Canned(200, current_session(), (("Set-Cookie", SET_SESSION),)),
        "POST /v1/register": Canned(202, {"detail": "A mail is on its way."}),
        "POST /v1/invitations/accept": Canned(200, {"detail": "Created."}),
        "POST /v1/email/verify": Canned(200, {"detail": "Verified."}),
        "POST /v1/email/resend": Canned(202, {"detail": "Perhaps."}),
        "POST /v1/email/change": Canned(202, {"detail": "A mail is on its way."}),
        "POST /v1/email/confirm": Canned(200, {"detail": "Changed."}),
        "POST /v1/email/restore": Canned(200, {"detail": "Put back."}),
        "POST /v1/password/forgot": Canned(202, {"detail": "Perhaps."}),
        "POST /v1/password/reset": Canned(200, {"detail": "Set."}),
        "POST /v1/password/change": Canned(200, current_session(), (("Set-Cookie", SET_SESSION),)),
        "PATCH /v1/account": Canned(204, b""),
        "POST /v1/account/keep": Canned(200, {"detail": "Kept."}),
        "DELETE /v1/account": Canned(204, b"", (("Set-Cookie", EXPIRE_SESSION),)),
        "GET /v1/account/export": Canned(200, {"user": USER, "sessions": []}),
        "GET /v1/identity?audience=reports": Canned(200, identity()),
        "GET /v1/.well-known/jwks.json": Canned(200, {"keys": []}),
        "GET /v1/ready": Canned(200, {"status": "ready"}),
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # tests call from many threads at once


class Stub:
    """The server. `answers` may be changed by a test; `seen` has what arrived.

    The stream of events is beside both: it stays open from one test to the next.
    """

    def __init__(self) -> None:
        self.events = EventStreams()
        self.answers = default_answers()
        self.seen: list[Seen] = []
        self.wake = threading.Event()  # ends hanging answers
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def calls(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.seen]

    def reset(self) -> None:
        self.wake.set()
        self.wake = threading.Event()
        self.answers = default_answers()
        self.seen.clear()

    def stop(self) -> None:
        self.wake.set()
        self.events.refused.clear()
        self.events.drop()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # one segment per answer: no waiting for a delayed ACK

            def answer(self) -> None:
                if self.path == "/v1/events":
                    return stub.events.serve(self)
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                seen = Seen(
                    self.command,
                    self.path,
                    list(self.headers.items()),
                    body,
                    self.client_address[1],
                )
                stub.seen.append(seen)
                behaviour = stub.answers.get(
                    f"{self.command} {self.path}", problem("not-found", 404)
                )
                if isinstance(behaviour, Canned):
                    send(self, behaviour)
                else:
                    behaviour(self)
                return None

            do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = do_HEAD = answer

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def send(handler: BaseHTTPRequestHandler, canned: Canned) -> None:
    """Write a canned answer."""
    body = canned.body if isinstance(canned.body, bytes) else json.dumps(canned.body).encode()
    handler.send_response(canned.status)
    if canned.status != 204:
        handler.send_header("Content-Type", canned.content_type)
        handler.send_header("Content-Length", str(len(body)))
    for name, value in canned.headers:
        handler.send_header(name, value)
    handler.end_headers()
    if canned.status != 204:
        handler.wfile.write(body)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def raw(data: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Send exactly these bytes, then close."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)
        handler.wfile.flush()
        handler.close_connection = True

    return behave


def drip(stop: threading.Event, head: bytes, pause: float = 0.05) -> Behaviour:
    """Send `head`, then one byte at a time for as long as the caller stays."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(head)
            handler.wfile.flush()
            while not stop.wait(pause):
                handler.wfile.write(b"x")
                handler.wfile.flush()
        except OSError:
            pass

    return behave


def hang(stop: threading.Event) -> Behaviour:
    """Take the request and say nothing until the test is over."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        stop.wait(60)
        handler.close_connection = True

    return behave


@contextmanager
def running_stub() -> Iterator[Stub]:
    stub = Stub()
    try:
        yield stub
    finally:
        stub.stop()
