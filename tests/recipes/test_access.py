"""Who may open the apps of docs/how-to/apps.md: the rule of each, through each proxy."""

import pytest

from tests.recipes.page import recipes
from tests.recipes.visitor import Visitor

RECIPES = recipes()


@pytest.fixture(params=RECIPES)
def name(request: pytest.FixtureRequest, proxy: str) -> str:
    """Each recipe for this proxy."""
    if not RECIPES[request.param].is_for(proxy):
        pytest.skip(f"the page has no configuration of {proxy} for {request.param}")
    return str(request.param)


def test_a_stranger_is_sent_to_sign_in(proxied: str, name: str) -> None:
    path = f"{RECIPES[name].path}page?x=1"
    answer = Visitor(proxied).open(path)
    assert answer.status_code == 302
    location = answer.headers["Location"].removeprefix(proxied)
    assert location == f"/login/continue?next=/{name}/page%3Fx%3D1"
    assert Visitor(proxied).ask("GET", path).status_code == 401


def test_a_user_without_access_gets_a_403(outsider: Visitor, name: str) -> None:
    path = RECIPES[name].path
    if "group:" not in RECIPES[name].rule:
        pytest.skip("its rule admits every signed-in user")
    assert outsider.open(path).status_code == 403
    assert outsider.ask("POST", path).status_code == 403


def test_the_path_without_a_slash_leads_to_the_app(proxied: str, name: str) -> None:
    answer = Visitor(proxied).open(f"/{name}")
    assert answer.status_code in (301, 302)
    assert answer.headers["Location"].removeprefix(proxied) == f"/{name}/"
