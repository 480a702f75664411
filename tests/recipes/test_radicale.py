"""Radicale: one calendar for each user, whom the proxy names by the stable id."""

from collections.abc import Iterator

import pytest

from tests.recipes.apps import python_app, running
from tests.recipes.conftest import Places
from tests.recipes.page import recipes
from tests.recipes.visitor import Visitor

EVENT = "\r\n".join(
    [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//recipe//EN", "BEGIN:VEVENT", "UID:secret-plan",
        "DTSTAMP:20260101T000000Z", "DTSTART:20260102T000000Z", "SUMMARY:Secret plan", "END:VEVENT",
        "END:VCALENDAR", "",
    ]
)  # fmt: skip
REPORT = """<?xml version="1.0"?><c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:">
<d:prop><c:calendar-data/></d:prop><c:filter><c:comp-filter name="VCALENDAR"/></c:filter></c:calendar-query>"""


@pytest.fixture(scope="session", autouse=True)
def radicale(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder, mine = tmp_path_factory.mktemp("radicale"), places["radicale"]
    (folder / "config").write_text(recipes()["radicale"].block("ini", mine))
    commands = python_app("radicale")
    address = f"http://127.0.0.1:{mine['5232']}/.web/"
    with running(["radicale", "--config", "config"], folder, commands, address):
        yield


@pytest.fixture
def calendar(member: Visitor) -> str:
    """The path of Ada's calendar, with one event."""
    path = f"/radicale/{user_id(member)}/work/"
    if member.ask("PROPFIND", path, Depth="0").status_code != 207:
        made = member.ask("MKCALENDAR", path)
        assert made.status_code == 201, made.text
    put = member.ask("PUT", f"{path}plan.ics", EVENT, Content_Type="text/calendar")
    assert put.status_code in (201, 204), put.text
    return path


def user_id(visitor: Visitor) -> str:
    return str(visitor.get("/api/auth/session").json()["user"]["id"])


def test_a_calendar(member: Visitor, calendar: str) -> None:
    listed = member.ask("PROPFIND", calendar, Depth="1")
    assert listed.status_code == 207
    assert f"{calendar}plan.ics" in listed.text
    found = member.ask("REPORT", calendar, REPORT, Depth="1", Content_Type="application/xml")
    assert (found.status_code, "Secret plan" in found.text) == (207, True)
    event = member.ask("GET", f"{calendar}plan.ics")
    stale = member.ask(
        "PUT", f"{calendar}plan.ics", EVENT, Content_Type="text/calendar", If_Match='"stale"'
    )
    assert (event.status_code, stale.status_code) == (200, 412)
    there = f"{member.address}{calendar}moved.ics"
    moved = member.ask("MOVE", f"{calendar}plan.ics", Destination=there, Overwrite="T")
    assert moved.status_code in (201, 204), moved.text
    assert member.ask("DELETE", f"{calendar}moved.ics").status_code in (200, 204)


def test_radicale_knows_the_user_by_the_stable_id(member: Visitor) -> None:
    body = '<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'
    answer = member.ask("PROPFIND", "/radicale/", body, Depth="0")
    assert answer.status_code == 207
    assert f"/radicale/{user_id(member)}/" in answer.text


def test_its_own_pages(member: Visitor) -> None:
    page = member.open("/radicale/")
    assert page.status_code in (301, 302, 303)
    assert page.headers["Location"].removeprefix(member.address) == "/radicale/.web"
    assert member.open("/radicale/.web/").status_code == 200


CLAIMS = ["X-Remote-User", "x-remote-user", "X_Remote_User", "X-Remote_User"]


@pytest.mark.parametrize("claim", CLAIMS)
def test_another_user_with_a_forged_header_reads_no_event(
    member: Visitor, other_member: Visitor, calendar: str, claim: str
) -> None:
    forged = {claim: user_id(member)}
    for method in ("PROPFIND", "REPORT", "GET"):
        path = calendar if method != "GET" else f"{calendar}plan.ics"
        answer = other_member.ask_with(method, path, REPORT, forged)
        assert answer.status_code in (401, 403), answer.text
        assert "Secret" not in answer.text


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_stranger_with_a_forged_header_reads_no_event(
    member: Visitor, calendar: str, claim: str
) -> None:
    stranger = Visitor(member.address)
    answer = stranger.ask_with("PROPFIND", calendar, "", {claim: user_id(member), "Depth": "1"})
    assert answer.status_code in (401, 403)
    assert "plan.ics" not in answer.text


def test_connection_removes_no_identity(other_member: Visitor, calendar: str) -> None:
    """A proxy removes what Connection names: then Radicale would see nobody, or somebody else."""
    headers = {"Connection": "X-Remote-User, Gatehouse-User-Id", "Depth": "0"}
    body = '<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'
    answer = other_member.ask_with("PROPFIND", "/radicale/", body, headers)
    assert f"/radicale/{user_id(other_member)}/" in answer.text
