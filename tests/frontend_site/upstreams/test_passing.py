"""What passes between browser and upstream, and what does not."""

import json
from typing import Any

import pytest

from tests.auth_api.logs import logged
from tests.calls import python_calls
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import (
    IDENTITY,
    NO_SESSION,
    RETRY_SOON,
    SESSION_ENDED,
    STORE_DOWN,
    TOKEN,
    Stub,
)
from tests.frontend_site.test_cost import request
from tests.frontend_site.upstreams.service import FILE, Service

PATH = "/api/reports/x/echo"


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_upstream_learns_who_is_signed_in_and_gets_no_cookie(
    browser: Browser, stub: Stub, reports: Service
) -> None:
    answer = browser.sign_in().call("GET", "/api/reports/x/echo?a=1&b=%2F", b"", "")
    assert (answer.status_code, json.loads(body_of(answer))["size"]) == (200, 0)
    assert stub.calls == ["GET /v1/identity?audience=reports"]
    (call,) = reports.calls
    assert (call.method, call.path) == ("GET", "/base/x/echo?a=1&b=%2F")
    assert call.headers["Authorization"] == f"Bearer {IDENTITY}"
    assert call.headers["X-Request-Id"] == answer["X-Request-Id"]
    trace = call.headers["traceparent"].split("-")
    assert (trace[0], trace[1], len(trace[2]), trace[3]) == ("00", answer["X-Request-Id"], 16, "01")
    assert "Cookie" not in call.headers
    assert TOKEN not in str(call.lines)


LIES = {
    "Authorization": "Bearer of.my.own",
    "Cookie": f"__Host-session={TOKEN}; other=1",
    "X_Forwarded_For": "1.2.3.4",
    "X_Forwarded_User": "root",
    "X_Forwarded_Host": "evil.example",
    "X_Real_IP": "1.2.3.4",
    "Forwarded": "for=1.2.3.4",
    "Remote_User": "root",
    "Gatehouse_User_Id": "root",
    "Gatehouse_Client_Address": "1.2.3.4",
    "X_Request_Id": "chosen-by-the-browser",
    "Traceparent": f"00-{'0' * 32}-{'b' * 16}-01",  # no trace (W3C Trace Context, 3.2.2.3)
    "Tracestate": "x=y",
    "Baggage": "user=root",
    "Connection": "keep-alive, X-Secret",
    "X_Secret": "hop",
    "Keep_Alive": "5",
    "Proxy_Authorization": "Basic x",
    "TE": "trailers",
    "Trailer": "X",
    "Upgrade": "websocket",
    "X_HTTP_Method_Override": "DELETE",
    "X_CSRF_Token": "token",
    "Referer": "http://testserver/private?token=x",
    "Sec_Fetch_Site": "same-origin",
}


def test_nothing_that_a_browser_claims_gets_through(
    browser: Browser, stub: Stub, reports: Service
) -> None:
    answer = browser.sign_in().call("GET", PATH, b"", "", **LIES)
    assert answer.status_code == 200
    (call,) = reports.calls
    names = {name.lower() for name, _ in call.lines}
    assert names == {
        "host", "accept-encoding", "user-agent", "authorization", "x-request-id", "traceparent",
        "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-prefix",
    }  # fmt: skip
    for name, value in call.lines:
        assert value not in (LIES.get(name.replace("-", "_")), "chosen-by-the-browser"), name
    assert call.headers["X-Forwarded-For"] == "127.0.0.1"
    assert call.headers["X-Forwarded-Host"] == "testserver"
    assert call.headers["Host"].startswith("127.0.0.1:")


def test_what_a_fetch_needs_gets_through(browser: Browser, reports: Service) -> None:
    wanted = {
        "Accept": "text/csv", "Accept_Language": "de", "Range": "bytes=1-", "If_Match": '"x"',
        "Last_Event_ID": "7", "Accept_Encoding": "br", "User_Agent": "Mozilla/5.0",
    }  # fmt: skip
    browser.sign_in().call("GET", PATH, **wanted)
    for name, value in wanted.items():
        assert reports.calls[0].headers[name.replace("_", "-").replace("ID", "ID")] == value


def test_only_listed_headers_come_back(browser: Browser, reports: Service) -> None:
    reports.headers = [
        ("Content-Type", "text/csv"),
        ("Content-Disposition", "attachment"),
        ("Server", "secret/1.0"),
        ("X-Powered-By", "x"),
        ("X-Accel-Redirect", "/internal"),
        ("Access-Control-Allow-Origin", "*"),
        ("Content-Security-Policy", "default-src *"),
        ("Strict-Transport-Security", "max-age=0"),
        ("Clear-Site-Data", '"cookies"'),
        ("Refresh", "0; url=https://evil.example"),
        ("Service-Worker-Allowed", "/"),
        ("X-Request-Id", "another"),
    ]
    answer = browser.sign_in().call("GET", PATH)
    assert (answer["Content-Type"], answer["Content-Disposition"]) == ("text/csv", "attachment")
    for name, value in reports.headers[2:]:
        assert answer.headers.get(name) != value, name
    assert "sandbox" in answer["Content-Security-Policy"]


def test_a_get_costs_one_internal_call_and_few_functions(stub: Stub, reports: Service) -> None:
    ask = request("/api/reports/items", cookie=True)
    assert ask() == 200  # connections are made
    stub.reset()
    assert min(python_calls(ask) for _ in range(3)) < 607
    assert stub.calls == ["GET /v1/identity?audience=reports"] * 3


def test_cookies_of_an_upstream_stay_out_unless_allowed(browser: Browser, reports: Service) -> None:
    """And those come back to it alone, as strict as ours."""
    reports.headers = [
        ("Set-Cookie", "theme=dark; Path=/; Domain=example.com; SameSite=None; HttpOnly"),
        ("Set-Cookie", "theme=light; Max-Age=60"),
        (
            "Set-Cookie",
            "theme=; expires=Thu, 01 Jan 1970 00:00:00 GMT; MAX-AGE=0; Path=/; Priority=High",
        ),
        ("Set-Cookie", "tracker=1"),
        ("Set-Cookie", f"__Host-session={TOKEN}; Path=/; Secure"),
        ("Set-Cookie", "__Host-csrf=x; Path=/; Secure"),
    ]
    cookie = f"__Host-session={TOKEN}; theme=dark; other=1"
    answer = browser.call("GET", PATH, Cookie=cookie)
    strict = "Path=/api/reports/; SameSite=Strict; Secure"
    assert set_cookie_lines(answer) == [
        f"theme=dark; HttpOnly; {strict}",
        f"theme=light; Max-Age=60; {strict}",
        f"theme=; expires=Thu, 01 Jan 1970 00:00:00 GMT; MAX-AGE=0; {strict}",
    ]
    assert reports.calls[0].headers["Cookie"] == "theme=dark"


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("", "no-store"),
        ("public, max-age=60", "private, max-age=60"),
        ("max-age=60, s-maxage=600", "private, max-age=60"),
        ("no-store, max-age=60", "no-store"),
        ("private, no-cache", "private, no-cache"),
    ],
)
def test_no_shared_cache_keeps_an_answer(
    browser: Browser, reports: Service, given: str, seen: str
) -> None:
    reports.headers = [("Cache-Control", given)] if given else []
    assert browser.sign_in().call("GET", PATH)["Cache-Control"] == seen


def test_ranges_and_conditional_requests_pass(browser: Browser, reports: Service) -> None:
    browser.sign_in()
    whole = browser.call("GET", "/api/reports/file")
    assert (body_of(whole), whole["Accept-Ranges"]) == (FILE, "bytes")
    part = browser.call("GET", "/api/reports/file", Range="bytes=4-8")
    assert (part.status_code, body_of(part)) == (206, FILE[4:9])
    assert part["Content-Range"] == f"bytes 4-8/{len(FILE)}"
    same = browser.call("GET", "/api/reports/file", If_None_Match='"fox"')
    assert (same.status_code, same["ETag"], body_of(same)) == (304, '"fox"', b"")
    head = browser.call("HEAD", "/api/reports/file", b"", "")
    assert (head.status_code, head["Content-Length"]) == (200, str(len(FILE)))
    assert browser.call("DELETE", "/api/reports/empty", b"").status_code == 204


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_bodies_of_any_type_pass_byte_for_byte(
    browser: Browser, reports: Service, method: str
) -> None:
    body = bytes(range(256)) * 1000  # past the 64 KiB of our own endpoints
    answer = browser.sign_in().call(method, PATH, body, "image/png")
    assert json.loads(body_of(answer))["size"] == len(body)
    assert reports.calls[0].headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("/base/there?x=1#y", "/api/reports/there?x=1#y"),
        ("there", "/api/reports/x/there"),
        ("../there", "/api/reports/there"),
        ("?page=2", "/api/reports/x/echo?page=2"),
        ("{url}/there", "/api/reports/there"),
        ("https://elsewhere.example/x", None),
        ("http://10.0.0.7/base/x", None),
        ("//evil.example/base/x", None),
        ("/base/../../account", None),
        ("/base/%2e%2e/account", None),
        ("../../../account", None),
        ("/other/there", None),
        # Built from our X-Forwarded headers: it names this site.
        ("/api/reports/there?x=1", "/api/reports/there?x=1"),
        ("http://localhost:8000/api/reports/there", "/api/reports/there"),
        ("http://LOCALHOST:8000/api/reports/there", "/api/reports/there"),
        ("http://localhost:8000/account", None),
        ("http://localhost:8000/base/there", None),
        ("/api/reports/../../account", None),
        ("/api/other/there", None),
        ("javascript:alert(1)", None),
        ("ftp://elsewhere.example/", None),
    ],
)
def test_a_redirect_is_passed_on_in_our_words(
    browser: Browser, reports: Service, location: str, seen: str | None
) -> None:
    given = location.format(url=reports.url)
    reports.headers = [("Location", given)]
    answer = browser.sign_in().call("GET", PATH)
    assert answer.headers.get("Location") == seen


# -- who may ----------------------------------------------------------------------------------


def test_without_a_session_nothing_is_forwarded(
    browser: Browser, stub: Stub, reports: Service
) -> None:
    answer = browser.call("GET", PATH)
    assert answer.json()["type"] == "urn:gatehouse:problem:no-session"
    assert stub.calls == []
    for dead in (NO_SESSION, SESSION_ENDED):
        stub.answers["GET /v1/identity?audience=reports"] = dead
        assert browser.sign_in().call("GET", PATH).status_code == 401
    assert reports.calls == []


def test_unknown_is_not_no(browser: Browser, stub: Stub, reports: Service) -> None:
    stub.answers["GET /v1/identity?audience=reports"] = STORE_DOWN
    answer = browser.sign_in().call("GET", PATH)
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert "__Host-session" in browser.cookies
    assert reports.calls == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"X_CSRF_Token": ""},
        {"X_CSRF_Token": "x"},
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_an_unsafe_call_needs_our_token_and_origin(
    browser: Browser, reports: Service, method: str, headers: dict[str, str]
) -> None:
    browser.sign_in().token()
    given = {"X_CSRF_Token": browser.token(), **headers}
    assert browser.call(method, PATH, **given).status_code == 403
    assert reports.calls == []


def test_a_sibling_site_cannot_embed_an_answer(browser: Browser, reports: Service) -> None:
    for site in ("same-site", "cross-site"):
        headers = {"Sec_Fetch_Site": site, "Sec_Fetch_Dest": "script"}
        assert browser.sign_in().call("GET", PATH, **headers).status_code == 403
    assert reports.calls == []


def test_a_link_of_our_own_may_lead_to_a_download(browser: Browser, reports: Service) -> None:
    answer = browser.sign_in().get(
        "/api/reports/file", Sec_Fetch_Site="same-origin", Sec_Fetch_Dest="document"
    )
    assert body_of(answer) == FILE


@pytest.mark.parametrize("path", ["/api/unknown/x", "/api/auth/nothing", "/api/auth/../reports/x"])
def test_other_names_are_not_there(
    browser: Browser, stub: Stub, reports: Service, path: str
) -> None:
    assert browser.sign_in().call("GET", path).status_code in (400, 404)
    assert reports.calls == []


def test_a_page_of_an_upstream_is_no_page_of_ours(browser: Browser, reports: Service) -> None:
    reports.headers = [("Content-Type", "text/html")]
    policy = browser.sign_in().call("GET", PATH)["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy


def test_headers_for_one_hop_stay_there(browser: Browser, reports: Service) -> None:
    reports.headers = [("Connection", "ETag, close"), ("ETag", '"x"')]
    answer = browser.sign_in().call("GET", PATH, Connection="Range, close", Range="bytes=0-1")
    assert "ETag" not in answer.headers
    assert "Range" not in reports.calls[0].headers


# -- what ordinary APIs use -------------------------------------------------------------------


def test_headers_that_apis_use_pass(browser: Browser, reports: Service) -> None:
    wanted = {
        "Idempotency_Key": "7", "X_Requested_With": "XMLHttpRequest", "HX_Request": "true",
        "HX_Current_URL": "http://testserver/x", "Traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
        "Tracestate": "vendor=1",
    }  # fmt: skip
    browser.sign_in().call("GET", PATH, **wanted)
    sent = {name.lower(): value for name, value in reports.calls[0].lines}
    assert {name: sent[name.lower().replace("_", "-")] for name in wanted} == wanted
    answers = [
        ("X-Total-Count", "100"), ("RateLimit", '"default";r=50;t=30'), ("RateLimit-Policy", '"default";q=100'),
        ("X-RateLimit-Remaining", "5"), ("Server-Timing", "db;dur=53"), ("HX-Trigger", "saved"),
        ("Content-Location", "/api/reports/x/1"),
    ]  # fmt: skip
    reports.headers = answers
    answer = browser.call("GET", PATH)
    assert [(name, answer.headers[name]) for name, _ in answers] == answers


@pytest.mark.parametrize("name", ["HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url"])
def test_the_addresses_of_htmx_are_translated_as_location_is(
    browser: Browser, reports: Service, name: str
) -> None:
    browser.sign_in()
    for address, seen in [
        (f"{reports.url}/items", "/api/reports/items"),
        ("http://10.0.0.7/login", None),
        ("//evil.example/", None),
        ('{"path": "//evil.example/"}', None),
        ("false", "false"),
    ]:
        reports.headers = [(name, address)]
        assert browser.call("GET", PATH).headers.get(name) == seen


def test_a_second_line_of_a_header_is_not_lost(browser: Browser, reports: Service) -> None:
    reports.headers = [
        ("Vary", "Accept"), ("Vary", "Origin"), ("Cache-Control", "max-age=60"), ("Cache-Control", "no-store"),
        ("Connection", "close"), ("Connection", "ETag"), ("ETag", '"x"'), ("Content-Type", "text/csv"),
        ("Content-Type", "text/html"),
    ]  # fmt: skip
    answer = browser.sign_in().call("GET", PATH)
    assert {"Accept", "Origin"} <= set(answer["Vary"].split(", "))
    assert (answer["Cache-Control"], answer["Content-Type"]) == ("no-store", "text/csv")
    assert "ETag" not in answer.headers


@pytest.mark.parametrize(
    ("link", "seen"),
    [
        ('<{url}/items?page=2>; rel="next", </base/items?page=9>; rel=last',
         '</api/reports/items?page=2>; rel="next", </api/reports/items?page=9>; rel=last'),
        ('<?page=2>; rel="next"; title="a, <b>"', '</api/reports/x/echo?page=2>; rel="next"; title="a, <b>"'),
        ('<http://localhost:8000/api/reports/items>; rel="self"', '</api/reports/items>; rel="self"'),
        ("<http://10.0.0.7/items>; rel=next, </base/items>; rel=self", "</api/reports/items>; rel=self"),
        ("<https://elsewhere.example/x.css>; rel=stylesheet", None),
        ("nonsense", None),
    ],
)  # fmt: skip
def test_links_are_passed_on_in_our_words(
    browser: Browser, reports: Service, link: str, seen: str | None
) -> None:
    reports.headers = [("Link", link.format(url=reports.url))]
    assert browser.sign_in().call("GET", PATH).headers.get("Link") == seen


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["https://elsewhere.example/x?token=1", "http://10.0.0.7/x", "/login/x"]
)
def test_a_redirect_elsewhere_is_refused_in_words(
    browser: Browser, reports: Service, status: int, location: str
) -> None:
    """And the log says why, without what may be a secret."""
    with logged() as events:
        answer = browser.sign_in().call("GET", f"/api/reports/redirect?{status}&{location}")
    assert (answer.status_code, "Location" in answer.headers) == (502, False)
    assert answer.json()["type"] == "urn:gatehouse:problem:redirect-refused"
    assert "10.0.0.7" not in answer.content.decode()
    (event,) = (e for e in events if e["event"] == "upstream.redirect_refused")
    assert (event["upstream"], "redirects=any" in event["hint"]) == ("reports", True)
    assert event["to"] == location.removesuffix("/x?token=1").removesuffix("/x")
