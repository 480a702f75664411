"""The navigation of the account area: on every page of it, with the present one marked."""

import re

import pytest

from tests.frontend_site.browser import Browser

SECTIONS = ["Profile", "Security", "Sessions", "Activity", "Data"]
LINK = re.compile(r'<li><a href="(/account[^"]*)"( aria-current="(\w+)")?>(\w+)</a></li>')
PAGES = [
    ("/account", "Profile"),
    ("/account/name", "Profile"),
    ("/account/email", "Profile"),
    ("/account/security", "Security"),
    ("/account/password", "Security"),
    ("/account/factors", "Security"),
    ("/account/sessions", "Sessions"),
    ("/account/activity", "Activity"),
    ("/account/data", "Data"),
    ("/account/delete", "Data"),
]


def links_of(page: str) -> list[tuple[str, str, str]]:
    return [(path, name, current) for path, _, current, name in LINK.findall(page)]


@pytest.mark.parametrize(("path", "section"), PAGES)
def test_every_account_page_leads_to_the_others(browser: Browser, path: str, section: str) -> None:
    links = links_of(browser.sign_in().get(path).content.decode())
    assert [name for _, name, _ in links] == SECTIONS
    [(target, name, current)] = [link for link in links if link[2]]
    assert (name, current) == (section, "page" if target == path else "true")


@pytest.mark.parametrize("path", ["/account/factors/app", "/account/factors/codes"])
def test_so_do_pages_that_follow_a_form(browser: Browser, path: str) -> None:
    links = links_of(browser.sign_in().post(path).content.decode())
    assert [current for _, name, current in links if name == "Security"] == ["true"]


def test_its_links_lead_to_pages(browser: Browser) -> None:
    browser.sign_in()
    for path, name, _ in links_of(browser.get("/account").content.decode()):
        assert f"<title>{name}" in browser.get(path).content.decode() or path in (
            "/account",
            "/account/data",
        )
