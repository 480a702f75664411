"""Django's templates beside Jinja2: pages of both look alike."""

import re

import pytest

from tests.frontend_site.browser import Browser


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_page_of_either_engine_looks_the_same(browser: Browser, signed_in: bool) -> None:
    if signed_in:
        browser.sign_in()
    browser.token()
    kind = "page" if signed_in else "public"
    by_django = browser.get(f"/shelf/{kind}/django").content.decode()
    by_jinja2 = browser.get(f"/shelf/{kind}/jinja2").content.decode()
    assert f'name="csrfmiddlewaretoken" value="{browser.token()}"' in by_django
    assert ("Ada Lovelace" in by_django, 'data-user="' in by_django) == (signed_in, signed_in)
    assert lines(by_django) == lines(by_jinja2)


def lines(page: str) -> list[str]:
    """The lines of a page, without what differs at each request."""
    page = re.sub(r' (nonce|data-left)="[^"]+"', "", page)
    return [line.strip() for line in page.splitlines() if line.strip()]
