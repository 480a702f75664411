"""What an app behind nginx and Caddy receives: its own cookies only, and the user's identity."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.e2e.proxies import NAVIGATION, PROXIES, App, send, start_proxy
from tests.processes import JsonClient

# What a browser sends, perhaps with planted cookies, and what the app may see of it.
COOKIES = {
    "no cookie of the app": (["{ours}"], None),
    "behind the app's": (["theme=dark; {ours}"], "theme=dark"),
    "in front of the app's": (["{ours}; theme=dark"], "theme=dark"),
    "between the app's": (["a=1; {ours}; b=2"], "a=1; b=2"),
    "beside our CSRF cookie": (["__Host-csrf=x.y.z; a=1; {ours}"], "a=1"),
    "beside the admin's cookies": (
        ["__Host-admin-session=x; a=1; __Host-admin-csrf=x; {ours}"],
        "a=1",
    ),
    "a decoy as a value": (
        ["t=__Host-session=1; {ours}; a=1"],
        "t=__Host-session=1; a=1",
    ),
    "several decoys as values": (
        ["t=__Host-session=1; {ours}; u=__Host-session=2; v=;a=1"],
        "t=__Host-session=1; u=__Host-session=2; v=; a=1",
    ),
    "a decoy as the end of a name": (
        ["x__Host-session=1; {ours}; -__Host-session=2"],
        "x__Host-session=1; -__Host-session=2",
    ),
    "a decoy as the beginning of a name": (
        ["__Host-session2=1; {ours}; __Host-sessions=2"],
        "__Host-session2=1; __Host-sessions=2",
    ),
    "no blanks": (["a=1;{ours};b=2"], "a=1; b=2"),
    "blanks and tabs": (["a=1 ;\t {ours} \t;  b=2"], "a=1; b=2"),
    "empty pieces": ([";; ;{ours};;a=1;; "], "a=1"),
    "pieces without a name": (["a; {ours}; =b; c=1"], "c=1"),
    "quotes": (['a="x; {ours}; y"; b="2"'], 'a="x; b="2"'),
    "commas in values": (["a=1,2; {ours}; b=3, 4"], "a=1,2; b=3, 4"),
    "two lines, ours at the end of the second": (["a=1", "b=2; {ours}"], "a=1,b=2"),
    "two lines, ours at the beginning of the first": (["{ours}; a=1", "b=2"], "a=1,b=2"),
    "what templates would fill in": (
        ["a={{env.HOME}}; {ours}; b=$host$cookie_b; c={{http.request.host}}"],
        "a={env.HOME}; b=$host$cookie_b; c={http.request.host}",
    ),
    "bytes beyond ASCII": (["a=\xc3\xa9; {ours}"], "a=\xc3\xa9"),
    "as much as fits": ([f"a={'x' * 7900}; {{ours}}"], f"a={'x' * 7900}"),
}


@pytest.mark.parametrize(("lines", "expected"), COOKIES.values(), ids=COOKIES)
def test_the_app_gets_its_own_cookies_and_none_of_ours(
    client: JsonClient, app: App, lines: list[str], expected: str | None
) -> None:
    token = client.cookies["__Host-session"]
    ours = f"__Host-session={token}"
    headers = [("Cookie", line.format(ours=ours)) for line in lines]
    assert send(client.address, *headers, *NAVIGATION.items()) == 200
    assert app.seen[-1].get_all("Cookie") == (None if expected is None else [expected])
    assert token.partition(".")[2] not in str(app.seen[-1])


# A second session cookie is tampering; a value that is not a session gives no access.
REFUSED_COOKIES = {
    "the same again": (["{ours}; {ours}"], 400),
    "in another line": (["{ours}", "{ours}"], 400),
    "behind a comma": (["a=1, {ours}; {ours}"], 400),
    "in another case": (["__host-SESSION=x; {ours}"], 400),
    "with a blank in the name": (["{ours}; __Host-session =x"], 400),
    "with quotes around the name": (['"__Host-session"=x; {ours}'], 400),
    "with a blank beyond ASCII": (["\xc2\xa0__Host-session=x; {ours}"], 400),
    "nothing but a decoy": (["t={ours}"], 302),
    "nothing but a longer name": (["x{ours}"], 302),
    "in another case, alone": (["__HOST-SESSION={token}"], 302),
    "in a line behind the app's": (["a=1", "{ours}"], 302),
    "beside a control character": (["a=\x01; {ours}"], 400),
    "in quotes": (['__Host-session="{token}"'], 302),
}


@pytest.mark.parametrize(("lines", "status"), REFUSED_COOKIES.values(), ids=REFUSED_COOKIES)
def test_what_is_no_session_reaches_no_app(
    client: JsonClient, app: App, lines: list[str], status: int
) -> None:
    before, token = len(app.seen), client.cookies["__Host-session"]
    ours = f"__Host-session={token}"
    headers = [("Cookie", line.format(ours=ours, token=token)) for line in lines]
    answer = send(client.address, *headers, *NAVIGATION.items())
    # auth_request does not pass on a 400: nginx turns it into a 500, and our sample into a 503.
    assert answer == status or (answer, status) == (503, 400)
    assert len(app.seen) == before


@pytest.mark.parametrize("name", ["Gatehouse-Cookie", "Gatehouse_Cookie"])
def test_cookies_that_a_client_says_gatehouse_answered_reach_no_app(
    client: JsonClient, app: App, name: str
) -> None:
    before = len(app.seen)
    session = ("Cookie", f"__Host-session={client.cookies['__Host-session']}; =nameless")
    status = send(client.address, session, (name, "lie=1"), *NAVIGATION.items())
    assert (status, len(app.seen)) in ((200, before + 1), (403, before))
    for told in app.seen[before:]:
        assert told.get_all("Cookie") is None
        assert "lie" not in str(told)


class OldGatehouse(BaseHTTPRequestHandler):
    """Allows everything, and returns no Cookie header."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.mark.parametrize("proxy", PROXIES)
def test_with_a_gatehouse_that_answers_no_cookies_the_app_gets_none(
    proxy: str, app: App, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), OldGatehouse) as gatehouse:
        threading.Thread(target=gatehouse.serve_forever, args=(0.05,), daemon=True).start()
        with start_proxy(proxy, gatehouse.server_port, app, tmp_path_factory) as address:
            cookies = [("Cookie", "__Host-session=secret; theme=dark")]
            assert send(address, *cookies, *NAVIGATION.items()) == 200
        gatehouse.shutdown()
    assert "secret" not in str(app.seen[-1])
    assert "theme" not in str(app.seen[-1])


# Headers by which apps learn from their proxies who somebody is.
CLAIMS = (
    "Remote-User", "REMOTE-USER", "remote-groups", "Remote-Name", "Remote-Email", "Remote-Anything",
    "X-Remote-User", "x-remote-group", "X-Remote-Extra-Scopes",
    "X-WebAuth-User", "X-WEBAUTH-ROLE", "X-Authentik-Username", "X-authentik-groups",
    "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
    "X-Auth-Request-User", "X-Auth-Request-Email", "x-auth-request-access-token",
    "Gatehouse-User-Id", "Gatehouse-Role", "gatehouse-groups", "X-Gatehouse-User-Id",
    "Remote_User", "REMOTE_USER", "X_Remote_User", "X-Remote_User", "X_WebAuth-User",
    "X_Forwarded_User", "Gatehouse_User_Id", "Remote.User",
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_header_that_claims_an_identity_reaches_the_app(
    client: JsonClient, app: App, claim: str
) -> None:
    """The request is refused, or goes on without it."""
    before = len(app.seen)
    cookie = ("Cookie", f"__Host-session={client.cookies['__Host-session']}")
    status = send(client.address, cookie, (claim, "victim"), *NAVIGATION.items())
    assert (status, len(app.seen)) in ((200, before + 1), (403, before))
    assert all("victim" not in told.values() for told in app.seen[before:])


# What apps were seen to need: Jupyter, WebDAV and CalDAV, uploads, event streams, HTMX, tracing.
OTHERS = (
    "Accept", "Accept-Language", "Authorization", "Content-Encoding", "Depth", "Destination", "HX-Request",
    "HX-Target", "If-Match", "If-Range", "Idempotency-Key", "Last-Event-ID", "Origin", "Overwrite", "Prefer",
    "Range", "Traceparent", "Tus-Resumable", "Upload-Offset", "User-Agent", "X-API-Key", "X-Auth-Token",
    "X-CSRF-Token", "X-CSRFToken", "X-Requested-With", "X-XSRFToken",
)  # fmt: skip


def test_every_other_header_reaches_the_app(client: JsonClient, app: App) -> None:
    given = {name: f"value of {name}" for name in OTHERS} | {"Origin": client.address}
    cookie = ("Cookie", f"__Host-session={client.cookies['__Host-session']}")
    assert send(client.address, cookie, *given.items(), ("Sec-Fetch-Site", "same-origin")) == 200
    told = app.seen[-1]
    assert {name: told.get(name) for name in OTHERS} == given


def test_the_path_without_a_slash_leads_to_the_app(client: JsonClient) -> None:
    answer = client.get("/app", **NAVIGATION)
    assert answer.status_code in (301, 302)
    assert answer.headers["Location"].removeprefix(client.address) == "/app/"


# Names that a client's Connection may list, and other hop-by-hop headers.
NAMED = (
    "Gatehouse-User-Id", "Gatehouse-User-Email", "Gatehouse-Session", "Gatehouse-Identity",
    "Gatehouse-Cookie", "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
    "X-Real-IP", "X-Request-Id",
)  # fmt: skip
HOP_BY_HOP = {
    "HTTP2-Settings": "AAMAAABkAAQAAP__",
    "Keep-Alive": "timeout=5",
    "Proxy": "http://lie.example",
    "Proxy-Authorization": "lie",
    "Proxy-Connection": "X-Forwarded-For",
    "TE": "gzip",
    "Upgrade": "h2c",
}


@pytest.mark.parametrize(
    "connection",
    [
        [", ".join(NAMED)],
        ["close, " + ",".join(name.lower() for name in NAMED)],
        ["keep-alive", *NAMED],
        ["Upgrade, HTTP2-Settings, " + ", ".join(NAMED)],
    ],
    ids=["names", "names in lower case", "several lines", "another protocol"],
)
def test_a_client_cannot_remove_our_headers(
    client: JsonClient, app: App, connection: list[str]
) -> None:
    cookie = ("Cookie", f"theme=dark; __Host-session={client.cookies['__Host-session']}")
    lines = [("Connection", line) for line in connection]
    assert send(client.address, cookie, *lines, *HOP_BY_HOP.items(), *NAVIGATION.items()) == 200
    told = app.seen[-1]
    for name in (name for name in NAMED if name != "Gatehouse-Cookie"):
        assert told.get_all(name), name
    assert told["Cookie"] == "theme=dark"
    assert told.get("Connection", "keep-alive") in ("keep-alive", "close")
    assert [name for name in HOP_BY_HOP if told.get(name) == HOP_BY_HOP[name]] == []


def test_a_websocket_reaches_the_app_if_it_comes_from_here(client: JsonClient, app: App) -> None:
    cookie = ("Cookie", f"theme=dark; __Host-session={client.cookies['__Host-session']}")
    handshake = {
        "Connection": "keep-alive, Upgrade, Gatehouse-User-Id, X-Real-IP",
        "Upgrade": "WebSocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "websocket",
    }
    assert (
        send(client.address, cookie, *handshake.items()) == 200
    )  # this app answers it like any request
    told = app.seen[-1]
    assert (told["Connection"].lower(), told["Upgrade"]) == ("upgrade", "websocket")
    assert told["Gatehouse-User-Id"]
    assert told["X-Real-IP"] == "127.0.0.1"
    before = len(app.seen)
    handshake["Sec-Fetch-Site"] = "cross-site"
    assert send(client.address, cookie, *handshake.items()) == 403
    del handshake["Sec-Fetch-Site"]  # as browsers without fetch metadata
    handshake["Origin"] = "http://evil.example"
    assert send(client.address, cookie, *handshake.items()) == 403
    assert len(app.seen) == before
