"""`next` leads to a page of this site or to /account, whatever was sent."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend_site.security.next_url import DEFAULT, safe_next
from frontend_site.settings.access_rules import parse_access_rules

RULES = parse_access_rules(["/app/=signed-in"], ())
GOOD = ["/", "/account", "/account?page=2", "/account?q=a%20b&c=d"]
ENCODED = {
    "/account?filter[state]=open": "/account?filter%5Bstate%5D=open",
    "/account?cols=a|b&x=(1)": "/account?cols=a%7Cb&x=(1)",
}
BAD = [
    None,
    "",
    " ",
    "account",
    "/nope",
    "/login",
    "/login?next=/account",
    "/logout",
    "/register",
    "/email/verify?token=x",
    "/healthz",
    "/api/auth/session",
    "/api/auth/logout",
    "/static/frontend_site/site.css",
    "/account/",
    "/./\\evil.example",
    "/..//evil.example",
    "/account/..//evil.example",
    "/account/../logout",
    "/%5cevil.example",
    "/%2f%2fevil.example",
    "/\x0b/evil.example",
    "/\x00/evil.example",
    "/\x00account",
    "/acc\tount",
    "\t/account",
    " /account",
    "/account\r\nSet-Cookie: a=b",
    "/account ",
    "/account\n",
    "?next=//evil.example",
    "/account?next=//evil.example",
    "/account?next=%2f%2fevil.example",
    "/account?x=%5c%5cevil",
    "/account?x=%0d%0a",
    "/account?x=%00",
    "/account?x=%zz",
    "/account#//evil.example",
    "/account;x",
    "//evil.example",
    "///evil.example",
    "////evil.example/account",
    "//evil.example/account",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/%09/evil.example",
    "/ /evil.example",
    "/.evil.example",
    "/@evil.example",
    "//localhost@evil.example",
    "@evil.example",
    "http://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "HTTPS://evil.example/account",
    "http://localhost:8000/account",
    "http://testserver/account",
    "http://testserver@evil.example/account",
    "http:\\\\evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//account",
    "data:text/html,x",
    "/javascript:alert(1)",
    "/\u2215\u2215evil.example",
    "/\uff0f/evil.example",
    "\u3000/account",
    "/account\u2028",
    "/accoun\u0074\u0301",
    "/%61ccount",
    "/account%00",
    "/account%2f..%2flogout",
    "/" * 3000,
    "/account?" + "a" * 9000,
]


@pytest.mark.parametrize("value", GOOD)
def test_pages_of_this_site_are_kept(value: str) -> None:
    assert safe_next(value) == value


@pytest.mark.parametrize(("value", "kept"), ENCODED.items())
def test_what_browsers_do_not_encode_in_a_query_is_encoded(value: str, kept: str) -> None:
    assert safe_next(value) == kept
    assert safe_next(kept) == kept


@pytest.mark.parametrize("value", BAD)
def test_everything_else_leads_to_the_account(value: str | None) -> None:
    assert safe_next(value) == DEFAULT


@given(st.text(alphabet="/\\.%?#:@&=\t\n\x00 accounthps25fFcC\u2044", max_size=30))
def test_whatever_is_typed_the_answer_is_a_known_page(value: str) -> None:
    path = safe_next(value).partition("?")[0]
    assert path in ("/", "/account")


@pytest.mark.parametrize("value", [bad for bad in BAD if bad])
def test_no_way_in_leads_off_the_site(browser: object, stub: object, value: str) -> None:
    """Sign in with each payload, by form and by address."""
    from tests.frontend_site.browser import Browser, form_fields

    visitor = Browser()
    answer = visitor.post("/login", {"email": "a", "password": "b", "next": value})
    assert (answer.status_code, answer["Location"]) == (302, "/account")
    from urllib.parse import urlencode

    stranger = Browser()
    page = stranger.get("/login?" + urlencode({"next": value})).content.decode()
    assert form_fields(page)["next"] == "/account"


# What a deep link is, and what it becomes. Queries are the app's: only their characters are encoded.
OF_APPS = {
    "/app/": "/app/",
    "/app/a%20b/caf%C3%A9": "/app/a%20b/caf%C3%A9",
    "/app/x;v=1/@me:2?at=12:30&to=/app/y,z!(1)*&p=%2Fx%25": "/app/x;v=1/@me:2?at=12:30&to=/app/y,z!(1)*&p=%2Fx%25",
    "/app/?filter[state]=open": "/app/?filter%5Bstate%5D=open",
    '/app/graph?expr=rate(up{job="self"}[5m])': "/app/graph?expr=rate(up%7Bjob=%22self%22%7D%5B5m%5D)",
    "/app/t?cols=a|b": "/app/t?cols=a%7Cb",
    "/app/db?sql=select+1%0D%0Afrom+x": "/app/db?sql=select+1%0D%0Afrom+x",
    "/app/x?a=%5c": "/app/x?a=%5c",
    "/app/a%2Fb/100%25": "/app/a%2Fb/100%25",
    "/app/a//b": "/app/a//b",
    "/app/100%": "/app/100%25",
    "/app/a[1]": "/app/a%5B1%5D",
    "/app/x?q=\u00fc": "/app/x?q=%C3%BC",
    "/app/?q=" + "a" * 7900: "/app/?q=" + "a" * 7900,
}
OF_NO_APP = [
    "/app",
    "/app//evil.example",
    "/app/%2Fevil.example",
    "/app/%252Fevil.example",
    "/app/../logout",
    "/app/..;/logout",
    "/app/%2e%2e/logout",
    "/app/%252e%252e/logout",
    "/app/a%2f..%2f..%2flogout",
    "/app/a%5cb",
    "/app/a%0ab",
    "/app/a%00b",
    "/app/a\\b",
    "/app/a b",
    "/app/x?a=\r\nSet-Cookie:x",
    "/app/?q=" + "a" * 8000,
    "/application/x",
    "//app/x",
]


@pytest.mark.parametrize(("value", "kept"), OF_APPS.items())
def test_places_in_an_app_are_kept(options: Any, value: str, kept: str) -> None:
    assert safe_next(value) == DEFAULT  # nobody's, as long as no app is named
    options(access_rules=RULES)
    assert safe_next(value) == kept
    assert safe_next(kept) == kept


@pytest.mark.parametrize("value", OF_NO_APP)
def test_what_could_lead_out_of_an_app_is_not(options: Any, value: str) -> None:
    options(access_rules=RULES)
    assert safe_next(value) == DEFAULT


@given(st.text(alphabet="/\\.%?#:@&=;\t\n\x00 evil25fFeEcC\u2044", max_size=30))
def test_whatever_stands_behind_an_apps_path_it_stays_there(value: str) -> None:
    from dataclasses import replace

    from django.conf import settings
    from django.test import override_settings

    with override_settings(GATEHOUSE=replace(settings.GATEHOUSE, access_rules=RULES)):
        kept = safe_next(f"/app/{value}")
    path = kept.partition("?")[0]
    assert kept == DEFAULT or (path.startswith("/app/") and not path.startswith("/app//"))
    assert not {".", ".."} & set(path.split("/"))
    assert "\\" not in kept
    assert kept.isprintable()


@pytest.mark.parametrize("value", ["/app/%" + "25" * 3000, "/app/%" + "25" * 30_000, "/" * 60_000])
def test_no_link_is_decoded_again_and_again(value: str, monkeypatch: Any, options: Any) -> None:
    options(access_rules=RULES)
    rounds: list[str] = []

    def counted(path: str) -> str:
        rounds.append(path)
        return unquote(path)

    monkeypatch.setattr("frontend_site.security.next_url.unquote", counted)
    assert safe_next(value) == DEFAULT
    assert len(rounds) < 6
