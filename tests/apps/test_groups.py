"""`request.user` has its groups: in views, in templates of both engines."""

from typing import Any

import pytest
from django.template import engines

from frontend_site.backend.users import NOBODY, SiteUser
from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import Canned, Stub, current_session

ADA = SiteUser(
    id="0b7c7f0e-6f0a-4c38-9d0b-0f6f3a2f1a11", groups=("editors",), is_authenticated=True
)
VIEWS = ["/shelf/editors", "/shelf/editors/class", "/shelf/editors/public"]


@pytest.mark.parametrize("path", VIEWS)
def test_a_view_for_a_group_is_for_its_members(browser: Browser, stub: Stub, path: str) -> None:
    refused = browser.sign_in().get(path)
    assert refused.status_code == 403
    assert b"Ask an administrator of this site for access." in refused.content
    stub.answers["GET /v1/session"] = Canned(200, current_session(groups=["editors"]))
    stub.seen.clear()
    assert browser.get(path).content == b"for editors"
    assert stub.calls == ["GET /v1/session"]


@pytest.mark.parametrize("path", VIEWS)
def test_a_visitor_is_led_to_sign_in(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login")


@pytest.mark.parametrize(("user", "shown"), [(ADA, "yes"), (NOBODY, "no"), (None, "no")])
@pytest.mark.parametrize(
    ("engine", "condition"),
    [
        ("django", 'user|in_group:"editors"'),
        ("jinja2", 'user|in_group("editors")'),
        ("jinja2", 'user is in_group("editors")'),
    ],
)
def test_templates_ask_for_a_group(engine: str, condition: str, user: Any, shown: str) -> None:
    source = "{% if " + condition + " %}yes{% else %}no{% endif %}"
    assert engines[engine].from_string(source).render({"user": user}) == shown
