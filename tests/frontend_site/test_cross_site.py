"""What another site can do, in a real Chromium: 127.0.0.1 is another site than localhost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from tests.chromium import wait
from tests.frontend_site.person import Person
from tests.frontend_site.server import running_site
from tests.frontend_site.stub import Canned, Stub
from tests.frontend_site.upstreams.service import FILE, Service

pytestmark = pytest.mark.slow

SESSION, LOGIN, LOGOUT = "GET /v1/session", "POST /v1/login", "POST /v1/logout"


@pytest.fixture(params=["with JavaScript", "without"])
def somebody(request: pytest.FixtureRequest) -> Person:
    """A person at a browser, with and without JavaScript."""
    name = "person" if request.param == "with JavaScript" else "person_without_javascript"
    person: Person = request.getfixturevalue(name)
    return person


def visit(person: Person, stub: Stub, page: str) -> None:
    """Open a page of the other site; `{site}` is ours."""
    text = page.replace("{site}", person.site).encode()
    stub.answers["GET /foreign"] = Canned(200, text, content_type="text/html")
    person.driver.get(f"{stub.url}/foreign")


def is_signed_in(person: Person) -> bool:
    person.open("/account")
    return "Ada Lovelace" in person.driver.page_source


FORM = """<form method=post action="{site}/{path}"><input name=email value=evil@example.com>
<input name=password value="the password of a stranger"><input type=submit></form>"""


REFUSED, ASKED = "CSRF check failed", "You are signed in"
FORMS = {
    "logout": REFUSED,
    "login": REFUSED,
    "register": REFUSED,
    # Without the Strict cookie: to the login page, which knows better.
    "account/sessions": ASKED,
    "account/delete": ASKED,
}


def test_a_form_of_another_site_does_nothing(somebody: Person, stub: Stub) -> None:
    somebody.sign_in()
    for path, seen in FORMS.items():
        visit(somebody, stub, FORM.replace("{path}", path))
        stub.seen.clear()
        somebody.press("form")
        somebody.wait_for(seen)
        assert "evil@example.com" not in somebody.driver.page_source, path
        assert not [call for call in stub.calls if not call.startswith("GET ")], path
        assert is_signed_in(somebody), path


def test_a_form_of_another_site_signs_nobody_in(somebody: Person, stub: Stub) -> None:
    """Login CSRF: else the victim works in the attacker's account."""
    visit(somebody, stub, FORM.replace("{path}", "login"))
    somebody.press("form")
    somebody.wait_for(REFUSED)
    assert LOGIN not in stub.calls
    assert not is_signed_in(somebody)


FETCH = """
const [address, init, done] = arguments;
fetch(address, init).then(async (answer) => done([answer.type, await answer.text()])).catch(() => done(["refused", ""]));
"""


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_a_fetch_of_another_site_reads_and_does_nothing(
    person: Person, stub: Stub, mode: str
) -> None:
    person.sign_in()
    visit(person, stub, "<p>a foreign page")
    stub.seen.clear()
    for call in ("POST /api/auth/logout", "GET /api/auth/session", "GET /account"):
        method, _, path = call.partition(" ")
        init: dict[str, Any] = {"method": method, "mode": mode, "credentials": "include"}
        kind, text = person.driver.execute_async_script(FETCH, person.site + path, init)
        assert kind in ("refused", "opaque", "opaqueredirect"), call
        assert text == "", call
    assert LOGOUT not in stub.calls
    assert SESSION not in stub.calls
    assert is_signed_in(person)


@pytest.mark.parametrize("signed_in", [True, False])
def test_no_page_can_be_framed(somebody: Person, stub: Stub, signed_in: bool) -> None:
    if signed_in:
        somebody.sign_in()
    for path in ("/", "/login", "/account", "/email/verify?token=x"):
        visit(somebody, stub, f'<iframe src="{{site}}{path}"></iframe>')
        frame = somebody.driver.find_element(By.TAG_NAME, "iframe")
        somebody.driver.switch_to.frame(frame)
        source = somebody.driver.page_source
        somebody.driver.switch_to.default_content()
        assert "Ada Lovelace" not in source, path
        assert "Gatehouse" not in source, path


ATTRIBUTES = ("", "download", 'rel="noreferrer"', 'target="_blank"')


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_link_of_another_site_leads_where_it_should(
    somebody: Person, stub: Stub, signed_in: bool
) -> None:
    if signed_in:
        somebody.sign_in()
    words = "Ada Lovelace" if signed_in else "Keep me signed in"
    expected = "/account?from=mail" if signed_in else "/login?next=/account%3Ffrom%3Dmail"
    for attribute in ATTRIBUTES:
        visit(somebody, stub, f'<a id=link {attribute} href="{{site}}/account?from=mail">go</a>')
        somebody.driver.find_element(By.ID, "link").click()
        windows = 2 if "_blank" in attribute else 1
        wait(somebody.driver).until(lambda d, n=windows: len(d.window_handles) == n)
        somebody.driver.switch_to.window(somebody.driver.window_handles[-1])
        somebody.wait_for(words)
        assert somebody.path == expected, attribute


def test_an_image_or_script_of_another_site_reads_nothing(person: Person, stub: Stub) -> None:
    person.sign_in()
    stub.seen.clear()
    visit(person, stub, '<script src="{site}/api/auth/session"></script><img src="{site}/account">')
    wait(person.driver).until(
        lambda d: d.execute_script("return document.readyState") == "complete"
    )
    assert SESSION not in stub.calls
    assert is_signed_in(person)


def test_a_download_gives_nothing_to_who_is_signed_out(somebody: Person, stub: Stub) -> None:
    for address in ("/api/reports/file", "/api/reports/"):
        somebody.follow_foreign_link(stub, address)
        somebody.wait_for("urn:gatehouse:problem:forbidden")
        somebody.open(address)  # typed
        somebody.wait_for("urn:gatehouse:problem:no-session")
    assert not [call for call in stub.calls if "/v1/" in call]


@pytest.fixture(scope="module")
def reports() -> Iterator[Service]:
    """A service that answers with a file."""
    service = Service()
    service.headers = [("Content-Disposition", 'attachment; filename="report.txt"')]
    yield service
    service.shutdown()


@pytest.fixture(scope="module")
def site_with_reports(reports: Service) -> Iterator[str]:
    """The address of a site with that upstream."""
    from tests.frontend_site.conftest import _stub

    upstream = f"reports={reports.url}"
    rules = {"GATEHOUSE_UPSTREAMS": upstream, "GATEHOUSE_ACCESS_RULES": "/api/reports/=signed-in"}
    with running_site(_stub.url, **rules) as site:
        yield f"http://localhost:{site.port}"


def test_a_download_from_here_arrives_whole_and_from_elsewhere_not_at_all(
    somebody: Person, stub: Stub, reports: Service, site_with_reports: str, tmp_path: Path
) -> None:
    """An upstream's address is no page: links from elsewhere belong to pages (docs/how-to/upstreams.md)."""
    person = Person(somebody.driver, site_with_reports)
    person.sign_in()
    reports.calls.clear()
    person.follow_foreign_link(stub, "/api/reports/file")
    person.wait_for("urn:gatehouse:problem:forbidden")
    assert reports.calls == []
    person.open("/account")
    link = (
        "Object.assign(document.querySelector('main a'), {href: '/api/reports/file', id: 'link'})"
    )
    person.driver.execute_script(link)
    saving = {"behavior": "allow", "downloadPath": str(tmp_path)}
    person.driver.execute_cdp_cmd("Browser.setDownloadBehavior", saving)
    person.driver.find_element(By.ID, "link").click()
    saved = tmp_path / "report.txt"
    wait(person.driver).until(lambda _: saved.exists())
    assert saved.read_bytes() == FILE
    assert len(reports.calls) == 1
