"""The options of an upstream, on the real gunicorn: `dav` has them all, `reports` none."""

import socket
from contextlib import ExitStack, closing

import pytest

from tests.frontend_site.server import Answer, Server
from tests.frontend_site.stub import NO_SESSION, Canned, Stub, identity
from tests.frontend_site.upstreams.asking import COOKIE, get, open_events, problem_of
from tests.frontend_site.upstreams.service import Service
from tests.frontend_site.upstreams.test_streaming import OUTSIDE
from tests.processes import wait_for

pytestmark = pytest.mark.usefixtures("signed_in")


# -- headers ----------------------------------------------------------------------------------


def test_headers_pass_if_the_upstream_names_them(site: Server, service: Service) -> None:
    service.headers = [("X-Tenant", "acme"), ("X-TENANT", "two"), ("Tus-Version", "1.0.0")]
    lines = ["X-Tenant: acme", "tus-resumable: 1.0.0", "Connection: Tus-Hop", "Tus-Hop: x"]
    answer = get(site, "/api/dav/x", *lines)
    (call,) = service.calls
    sent = {name.lower(): value for name, value in call.lines}
    assert (sent["x-tenant"], sent["tus-resumable"], "tus-hop" in sent) == ("acme", "1.0.0", False)
    assert (answer.all("X-Tenant"), answer.all("Tus-Version")) == (["acme, two"], ["1.0.0"])
    other = get(site, "/api/reports/x", *lines)
    names = {name.lower() for name, _ in service.calls[1].lines}
    assert not names & {"x-tenant", "tus-resumable"}
    assert other.all("X-Tenant") == other.all("Tus-Version") == []


# -- the host and redirects -------------------------------------------------------------------


def test_an_upstream_may_hear_the_host_of_the_site(site: Server, service: Service) -> None:
    get(site, "/api/dav/x")
    get(site, "/api/reports/x")
    own = service.url.removeprefix("http://").removesuffix("/base")
    assert [call.headers["Host"] for call in service.calls] == ["localhost:8000", own]


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("http://localhost:8000/base/there?x=1", "/api/dav/there?x=1"),  # from its Host
        ("https://localhost:8000/base/there", "/api/dav/there"),
        ("http://localhost:8000/api/dav/there", "/api/dav/there"),
        ("/base/there", "/api/dav/there"),
        ("https://elsewhere.example/x?y#z", "https://elsewhere.example/x?y#z"),
        ("//elsewhere.example/x", "//elsewhere.example/x"),
        ("http://localhost:8000/account", "http://localhost:8000/account"),
    ],
)
def test_an_upstream_may_lead_elsewhere(
    site: Server, service: Service, location: str, seen: str
) -> None:
    answer = get(site, f"/api/dav/moved?{location}")
    if "#" in location:  # no request line can have it
        service.headers = [("Location", location)]
        answer = get(site, "/api/dav/empty")
    assert answer.all("Location") == [seen]


@pytest.mark.parametrize(
    "location",
    ["javascript:alert(1)", "ftp://elsewhere.example/", "https://a@elsewhere.example/", "/other/x",
     "https:\\\\elsewhere.example/x", "https://elsewhere.example\\x", "https://elsewhere.example:x/", "{url}/../other"],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_no_redirect(
    site: Server, service: Service, location: str
) -> None:
    answer = get(site, f"/api/dav/moved?{location.format(url=service.url)}")
    assert (answer.status, problem_of(answer)) == (502, "redirect-refused")


# -- paths ------------------------------------------------------------------------------------

AGREED = {
    "a%2fb": "a%2fb",
    "%40scope%2Fname": "%40scope%2Fname",
    "100%25": "100%25",
    "a%2520b": "a%2520b",
    "a|b[0]^": "a%7Cb%5B0%5D%5E",
    "x%2F": "x%2F",
}


@pytest.mark.parametrize("rest", AGREED)
def test_an_encoded_path_arrives_where_both_readers_agree(
    site: Server, service: Service, rest: str
) -> None:
    assert get(site, f"/api/dav/{rest}").status == 200
    assert [call.path for call in service.calls] == [f"/base/{AGREED[rest]}"]
    assert get(site, f"/api/reports/{rest}").status == 400


_DISAGREED = ["a%2F%2Fb", "%2Fa", "a%2F..%2Fb", "a%2F%2E%2E", "a%252F..", "%25252e%25252e/x", "a%2F..;/b",
              "a%255Cb", "a%250ab", "a%2F.", "%2525252525252541", "a/%2F/b"]  # fmt: skip


@pytest.mark.parametrize("rest", _DISAGREED)
def test_an_encoded_path_goes_nowhere_where_they_do_not(
    site: Server, service: Service, rest: str
) -> None:
    assert get(site, f"/api/dav/{rest}").status == 400
    assert service.calls == []


@pytest.mark.parametrize("path", sorted({*OUTSIDE} - {"/api/reports/a%2fb", "/api/reports/a|b"}))
def test_nobody_walks_out_of_it_either(site: Server, service: Service, path: str) -> None:
    assert get(site, path.replace("reports", "dav")).status in (400, 404)
    assert service.calls == []


@pytest.mark.parametrize("rest", ["private%2Fx", "private%252Fx", "Private%2fx", "x%3F/../private"])
def test_no_spelling_leads_past_an_access_rule(site: Server, service: Service, rest: str) -> None:
    assert get(site, f"/api/dav/{rest}").status in (400, 403)
    assert service.calls == []


# -- methods ----------------------------------------------------------------------------------


def test_an_upstream_may_take_other_methods(site: Server, service: Service) -> None:
    service.headers = [("DAV", "1, 3"), ("Lock-Token", "<urn:x>"), ("Content-Type", "text/xml")]
    lines = [*site.csrf(COOKIE), "Depth: 1", "If: (<urn:x>)"]
    answer = site.ask("PROPFIND", "/api/dav/x/echo", *lines, body=b"<propfind/>")
    (call,) = service.calls
    assert (call.method, call.path, call.size) == ("PROPFIND", "/base/x/echo", 11)
    assert (call.headers["Depth"], call.headers["If"]) == ("1", "(<urn:x>)")
    assert (answer.all("DAV"), answer.all("Lock-Token")) == (["1, 3"], ["<urn:x>"])
    assert site.ask("OPTIONS", "/api/dav/x", COOKIE).status == 200
    assert site.ask("PROPFIND", "/api/dav/x", COOKIE).status == 403  # without our CSRF token
    assert site.ask("OPTIONS", "/api/dav/x").status == 401
    assert len(service.calls) == 2


@pytest.mark.parametrize(
    ("method", "name"), [("PROPFIND", "reports"), ("OPTIONS", "reports"), ("TRACE", "dav")]
)
def test_no_other_method_passes(site: Server, service: Service, method: str, name: str) -> None:
    answer = site.ask(method, f"/api/{name}/x", *site.csrf(COOKIE))
    assert (answer.status, problem_of(answer)) == (405, "method-not-allowed")
    assert ("PROPFIND" in answer.all("Allow")[0]) == (name == "dav")
    assert service.calls == []


@pytest.mark.parametrize("origin", ["", "http://localhost", "http://localhost:8000"])
def test_a_destination_is_translated(site: Server, service: Service, origin: str) -> None:
    lines = [*site.csrf(COOKIE), f"Destination: {origin}/api/dav/a%20b", "Overwrite: F"]
    assert site.ask("MOVE", "/api/dav/x", *lines).status == 200
    (call,) = service.calls
    assert call.headers["Destination"] == "http://localhost:8000/base/a%20b"
    assert call.headers["Overwrite"] == "F"


@pytest.mark.parametrize(
    ("destination", "status"),
    [
        ("/api/dav/private/x", 403),
        ("/api/dav/private%2Fx", 403),
        ("/api/reports/x", 400),
        ("/api/dav/../reports/x", 400),
        ("http://elsewhere.example/api/dav/x", 400),
        ("/account", 400),
        ("/api/dav/x?y", 400),
    ],
)
def test_no_destination_leads_past_a_rule_or_out(
    site: Server, service: Service, destination: str, status: int
) -> None:
    for method in ("COPY", "MOVE"):
        lines = [*site.csrf(COOKIE), f"Destination: {destination}"]
        assert site.ask(method, "/api/dav/x", *lines).status == status
    assert service.calls == []


@pytest.mark.parametrize("method", ["COPY", "MOVE", "DELETE", "PROPFIND", "LOCK"])
@pytest.mark.parametrize("path", ["/api/dav/", "/api/dav/%2E"])
def test_a_method_that_acts_on_a_tree_obeys_the_rules_in_it(
    site: Server, service: Service, method: str, path: str
) -> None:
    destination = ["Destination: /api/dav/copy"] if method in ("COPY", "MOVE") else []
    answer = site.ask(method, path, *site.csrf(COOKIE), *destination)
    assert answer.status in (400, 403)
    assert service.calls == []


def test_who_may_open_both_may_move(site: Server, service: Service, stub: Stub) -> None:
    document = identity()
    document["user"]["groups"] = ["board"]
    stub.answers["GET /v1/identity?audience=dav"] = Canned(200, document)
    lines = [*site.csrf(COOKIE), "Destination: /api/dav/private/x"]
    assert site.ask("MOVE", "/api/dav/x", *lines).status == 200


# -- silence ----------------------------------------------------------------------------------


def _wait_longer_than_others_may(site: Server, service: Service, calls: int = 1) -> None:
    """GATEHOUSE_UPSTREAM_SILENCE is 2 s, GATEHOUSE_UPSTREAM_RECHECK 1 s."""
    wait_for(lambda: len(service.calls) == calls, "the calls to arrive")
    assert get(site, "/api/reports/hang").status == 504


def _rest_of(sock: socket.socket) -> bytes:
    received = b""
    while piece := sock.recv(65536):
        received += piece
        if received.endswith(b"late"):
            break
    return received


def test_an_upstream_may_be_silent_for_longer(site: Server, service: Service) -> None:
    with closing(open_events(site, "/api/dav/late")) as sock:
        _wait_longer_than_others_may(site, service)
        service.go_on.set()
        assert Answer(_rest_of(sock)).status == 200


def test_a_late_answer_is_not_for_a_session_that_ended(
    site: Server, service: Service, stub: Stub
) -> None:
    """Not even its headers."""
    paths = ("/api/dav/late", "/api/dav/late?204")
    with ExitStack() as stack:
        waiting = [stack.enter_context(closing(open_events(site, path))) for path in paths]
        _wait_longer_than_others_may(site, service, 2)
        stub.answers["GET /v1/session?slide=false"] = NO_SESSION
        service.go_on.set()
        assert [_rest_of(sock) for sock in waiting] == [b"", b""]
