"""Real nginx and real Caddy in front, by the very files of docs/deploy/."""

import http.client
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from tests.e2e.conftest import EMAIL
from tests.e2e.test_browser import fill, press, wait_for_path, wait_for_text
from tests.ports import free_port
from tests.processes import ROOT, JsonClient, Stack, wait_for

DEPLOY = ROOT / "docs" / "deploy"
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class App(ThreadingHTTPServer):
    """An app behind the proxy: shows what it was told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _AppHandler)
        self.seen: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class _AppHandler(BaseHTTPRequestHandler):
    server: App

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers.items()))
        body = f"<p>the app, for {self.headers['Gatehouse-User-Email']}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    server = App()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def site() -> Iterator[Stack]:
    """Gatehouse as the files of docs/deploy/ say."""
    with Stack(GATEHOUSE_PROXY_HOPS="1", GATEHOUSE_FORWARD_AUTH_PATHS="/app/") as running:
        yield running


@pytest.fixture(scope="module")
def password(site: Stack) -> str:
    return site.make_user(EMAIL)


def sample(name: str, site: Stack, app: App, port: int) -> str:
    """The sample, on this machine's ports. Each of its addresses must be there."""
    text = (DEPLOY / name).read_text()
    places = {"8080": port, "127.0.0.1:8000": f"127.0.0.1:{site.web_port}"}
    places["127.0.0.1:9000"] = f"127.0.0.1:{app.server_port}"
    for old, new in places.items():
        assert old in text, f"{name} names no {old}"
        text = text.replace(old, str(new))
    return text


@contextmanager
def nginx(site: Stack, app: App, folder: Path) -> Iterator[str]:
    port = free_port()
    (folder / "site.conf").write_text(sample("nginx.conf", site, app, port))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, f"http://localhost:{port}") as address:
        yield address


@contextmanager
def caddy(site: Stack, app: App, folder: Path) -> Iterator[str]:
    port = free_port()
    text = "{\n\tadmin off\n\tauto_https off\n}\n" + sample("Caddyfile", site, app, port)
    (folder / "Caddyfile").write_text(text)
    command = ["env", f"HOME={folder}", "caddy", "run", "--config", str(folder / "Caddyfile")]
    with running(command, f"http://localhost:{port}") as address:
        yield address


@contextmanager
def running(command: list[str], address: str) -> Iterator[str]:
    def answers() -> bool:
        try:
            return requests.get(f"{address}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(answers, f"{command[0]} to answer")
        yield address
    finally:
        process.terminate()
        process.wait(15)


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def proxied(
    request: pytest.FixtureRequest, site: Stack, app: App, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of one of the proxies."""
    start = request.param
    if not shutil.which(start.__name__):
        pytest.skip(f"NO {start.__name__}: it is not installed")
    folder = tmp_path_factory.mktemp(start.__name__)
    folder.chmod(0o755)
    with start(site, app, folder) as address:
        yield address


@pytest.fixture
def client(proxied: str, password: str) -> JsonClient:
    """Somebody signed in, through the proxy."""
    client = JsonClient(proxied)
    assert client.login(EMAIL, password).status_code == 200
    return client


NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Accept": "text/html"}


def test_the_app_learns_who_is_signed_in_and_nothing_else(
    client: JsonClient, app: App, site: Stack
) -> None:
    client.cookies["theme"] = "dark"
    lies = {"Gatehouse-User-Id": "root", "Gatehouse-Session": "root", "Gatehouse-Identity": "x"}
    answer = client.get("/app/page?x=1", **NAVIGATION, **lies)
    assert (answer.status_code, f"for {EMAIL}" in answer.text) == (200, True)
    told = app.seen[-1]
    user = client.get("/api/auth/session").json()["user"]
    assert told["Gatehouse-User-Id"] == user["id"]
    assert told["Gatehouse-User-Email"] == EMAIL
    assert "root" not in told.values()
    assert "__Host-session" not in told.get("Cookie", "")
    assert "theme=dark" in told["Cookie"]
    keys = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json())
    token = told["Gatehouse-Identity"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="app", issuer=site.address)
    assert claims["sub"] == user["id"]


LIES = {
    "Gatehouse-Role": "lie",
    "Gatehouse_User_Id": "lie",
    "Forwarded": "for=lie",
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Host": "lie.example",
    "X-Forwarded-Proto": "lie",
    "X-Forwarded-User": "lie",
    "X_Forwarded_For": "192.0.2.66",
    "X-Real-IP": "192.0.2.66",
    "X_Real_IP": "192.0.2.66",
    "X-Request-Id": "lie-lie-lie",
    "X_Request_Id": "lie-lie-lie",
}


def test_the_app_hears_no_claim_of_the_browser(client: JsonClient, app: App) -> None:
    assert client.get("/app/page", **NAVIGATION, **LIES).status_code == 200
    told = {name.lower(): value for name, value in app.seen[-1].items()}
    assert [name for name in told if told[name] in LIES.values()] == []
    assert told["x-forwarded-for"] == told["x-real-ip"] == "127.0.0.1"
    assert told["x-forwarded-host"] == client.address.removeprefix("http://")
    assert told["x-forwarded-proto"] == "http"
    assert told["x-request-id"]
    named = {name for name in told if name.startswith("gatehouse")}
    assert named == {f"gatehouse-{x}" for x in ("user-id", "user-email", "session", "identity")}


@pytest.mark.parametrize("path", ["/login", "/api/auth/csrf"])
def test_gatehouse_gets_no_request_id_of_the_browser(proxied: str, path: str) -> None:
    answer = JsonClient(proxied).get(path, **LIES)
    assert answer.status_code == 200
    assert answer.headers["X-Request-Id"] != LIES["X-Request-Id"]


@pytest.mark.parametrize(
    "path", ["/auth/verify", "/auth/%76erify", "//auth/verify", "/auth/./verify"]
)
def test_nobody_outside_asks_who_is_signed_in(client: JsonClient, path: str) -> None:
    asked = {
        "X-Forwarded-Method": "GET",
        "X-Forwarded-Uri": "/app/",
        "Sec-Fetch-Site": "same-origin",
    }
    connection = http.client.HTTPConnection(client.address.removeprefix("http://"), timeout=15)
    cookie = f"__Host-session={client.cookies['__Host-session']}"
    connection.request("GET", f"{path}?audience=app", headers={**asked, "Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 404
    assert "Gatehouse-Identity" not in answer.headers
    connection.close()


def test_a_navigation_is_led_to_the_login(proxied: str, app: App) -> None:
    before = len(app.seen)
    answer = JsonClient(proxied).get("/app/page?x=1", **NAVIGATION)
    assert answer.status_code == 302
    location = answer.headers["Location"].removeprefix(proxied)
    assert location == "/login/continue?next=/app/page%3Fx%3D1"
    assert len(app.seen) == before


def test_a_fetch_gets_a_401(proxied: str, app: App) -> None:
    before = len(app.seen)
    headers = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Accept": "*/*"}
    assert JsonClient(proxied).get("/app/data", **headers).status_code == 401
    assert len(app.seen) == before


def test_an_ended_session_opens_nothing(client: JsonClient, app: App, proxied: str) -> None:
    cookies = dict(client.cookies)
    assert client.post("/api/auth/logout").status_code == 204
    before = len(app.seen)
    replay = JsonClient(proxied)
    replay.cookies = cookies
    assert replay.get("/app/page", **NAVIGATION).status_code == 302
    assert len(app.seen) == before


def test_a_foreign_form_does_not_reach_the_app(client: JsonClient, app: App) -> None:
    before = len(app.seen)
    for site_kind in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site_kind, "Sec-Fetch-Mode": "navigate"}
        assert client.post("/app/act", **headers).status_code == 403
    assert len(app.seen) == before
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert client.post("/app/act", **own).status_code == 200


def test_an_outage_is_no_logout(client: JsonClient, site: Stack, app: App) -> None:
    before, cookies = len(app.seen), dict(client.cookies)
    site.valkey.pause()
    try:
        answer = client.get("/app/page", **NAVIGATION)
    finally:
        site.valkey.resume()
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert (client.cookies, len(app.seen)) == (cookies, before)
    wait_for(lambda: client.get("/app/page", **NAVIGATION).status_code == 200, "the app again")


def test_in_chromium_from_login_to_app_and_by_a_link_from_elsewhere(
    browser: Any, proxied: str, password: str
) -> None:
    browser.get(f"{proxied}/app/page?x=1")
    wait_for_path(browser, "/login")
    fill(browser, email=EMAIL, password=password)
    press(browser, "main form")
    wait_for_text(browser, f"the app, for {EMAIL}")
    assert browser.current_url == f"{proxied}/app/page?x=1"
    browser.get(f"data:text/html,<a id=link href='{proxied}/app/other'>go</a>")
    browser.find_element("id", "link").click()
    wait_for_text(browser, f"the app, for {EMAIL}")
    assert browser.current_url == f"{proxied}/app/other"
