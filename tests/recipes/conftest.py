"""One Gatehouse with the rules of docs/how-to/apps.md, and each proxy with all of its blocks."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.proxies import PROXIES, App, start_proxy
from tests.ports import free_port
from tests.processes import Stack
from tests.recipes.page import recipes, write_samples
from tests.recipes.visitor import Visitor

MEMBER, OTHER_MEMBER, OUTSIDER = "ada@example.com", "grace@example.com", "bob@example.com"
GROUPS = ("ops", "staff")

Places = dict[str, dict[str, str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(1800))  # the first test of an app installs it


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    """What the tests put in place of the page's ports, host and folders, by recipe."""
    with tempfile.TemporaryDirectory(prefix="gh-recipes-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx' workers read the static build as nobody
        yield {
            name: {
                recipe.port or "no port": str(free_port()),
                # The proxies of the tests listen on ports of localhost.
                "hosts site.example": "hosts site.example,localhost:*",
                "hostnames=site.example": "hostnames=localhost",
                "/srv/www": f"{folder}/www",
                "/var/lib/radicale": f"{folder}/radicale",
            }
            for name, recipe in recipes().items()
        }


@pytest.fixture(scope="session")
def site() -> Iterator[Stack]:
    rules = ",".join(recipe.rule for recipe in recipes().values())
    with Stack(GATEHOUSE_PROXY_HOPS="1", GATEHOUSE_ACCESS_RULES=f"/app/=signed-in,{rules}") as site:
        make = "; ".join(f"Group(name='{group}').save()" for group in GROUPS)
        site.manage("shell", "-c", f"from django.contrib.auth.models import Group; {make}")
        yield site


@pytest.fixture(scope="session")
def passwords(site: Stack) -> dict[str, str]:
    member = [word for group in GROUPS for word in ("--group", group)]
    return {
        MEMBER: site.make_user(MEMBER, *member),
        OTHER_MEMBER: site.make_user(OTHER_MEMBER, *member),
        OUTSIDER: site.make_user(OUTSIDER),
    }


@pytest.fixture(scope="session", params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> str:
    """The name of each proxy in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def proxied(
    proxy: str,
    site: Stack,
    places: Places,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of the proxy."""
    samples, app = tmp_path_factory.mktemp("samples"), App()
    write_samples(samples, places)
    with start_proxy(proxy, site.web_port, app, tmp_path_factory, samples) as address:
        yield address
    app.shutdown()


@pytest.fixture(scope="session")
def member(proxied: str, passwords: dict[str, str]) -> Visitor:
    """Ada, whom every rule admits."""
    return signed_in(proxied, passwords, MEMBER)


@pytest.fixture(scope="session")
def other_member(proxied: str, passwords: dict[str, str]) -> Visitor:
    return signed_in(proxied, passwords, OTHER_MEMBER)


@pytest.fixture(scope="session")
def outsider(proxied: str, passwords: dict[str, str]) -> Visitor:
    """Bob, who is signed in and in no group."""
    return signed_in(proxied, passwords, OUTSIDER)


def signed_in(address: str, passwords: dict[str, str], email: str) -> Visitor:
    visitor = Visitor(address)
    answer = visitor.login(email, passwords[email])
    assert answer.status_code == 200, answer.text
    return visitor
