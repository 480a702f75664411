"""An app whose prefix the proxy removes, as the comments of docs/how-to/deploy/ say: the rules are about the full path."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import EMAIL
from tests.e2e.proxies import DEPLOY, NAVIGATION, PROXIES, App, start_proxy
from tests.processes import JsonClient, Stack

# The file of each proxy's sample, and what its comment says to change.
REMOVED = {
    "nginx": ("nginx/site.conf", "proxy_pass http://127.0.0.1:9000;", "proxy_pass http://127.0.0.1:9000/;"),
    "caddy": ("Caddyfile", "handle /app/* {", "handle_path /app/* {"),
    "haproxy": ("haproxy/haproxy.cfg", "# To remove the prefix: http-request", "http-request"),
}  # fmt: skip


@pytest.fixture(scope="module", params=PROXIES)
def stripping(
    request: pytest.FixtureRequest, site: Stack, app: App, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a proxy that removes `/app`."""
    samples: Path = tmp_path_factory.mktemp("samples")
    shutil.copytree(DEPLOY, samples, dirs_exist_ok=True)
    name, old, new = REMOVED[request.param]
    text = (samples / name).read_text()
    assert text.count(old) == 1
    (samples / name).write_text(text.replace(old, new))
    with start_proxy(request.param, site.web_port, app, tmp_path_factory, samples) as address:
        yield address


def test_the_app_gets_the_rest_of_the_path(stripping: str, app: App, site_password: str) -> None:
    client = JsonClient(stripping)
    assert client.login(EMAIL, site_password).status_code == 200
    assert client.get("/app/page?x=1", **NAVIGATION).status_code == 200
    assert app.paths[-1] == "/page?x=1"
    before = len(app.seen)
    assert client.get("/app/ops/page", **NAVIGATION).status_code == 403
    # Without its prefix, this path has another rule.
    assert client.get("/app/ops/app/page", **NAVIGATION).status_code == 403
    assert len(app.seen) == before


def test_a_stranger_comes_back_to_the_full_path(stripping: str) -> None:
    answer = JsonClient(stripping).get("/app/page?x=1", **NAVIGATION)
    assert answer.status_code == 302
    location = answer.headers["Location"].removeprefix(stripping)
    assert location == "/login/continue?next=/app/page%3Fx%3D1"
