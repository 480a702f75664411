"""Real nginx, Caddy and HAProxy in front of Gatehouse and an app, with the files of docs/how-to/deploy/."""

import http.client
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.ports import free_port
from tests.processes import ROOT, wait_for

DEPLOY = ROOT / "docs" / "how-to" / "deploy"
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include gatehouse/site.conf;
}}
"""


class App(ThreadingHTTPServer):
    """An app behind the proxy, which shows the user that it was told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _AppHandler)
        self.seen: list[Message] = []  # the headers of each request
        self.paths: list[str] = []  # and its path with the query
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class _AppHandler(BaseHTTPRequestHandler):
    server: App

    def do_GET(self) -> None:
        self.server.seen.append(self.headers)
        self.server.paths.append(self.path)
        body = f"<p>the app, for {self.headers['Gatehouse-User-Email']}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        """Quiet."""


NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Accept": "text/html"}


def copy_sample(source: Path, target: Path, gatehouse: int, app: App, port: int) -> None:
    """Copy a sample, a file or a folder, with this test's ports. Fails if one is missing from it."""
    places = {"8080": str(port), "127.0.0.1:8000": f"127.0.0.1:{gatehouse}"}
    places["127.0.0.1:9000"] = f"127.0.0.1:{app.server_port}"
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    texts = {file.name: file.read_text() for file in files}
    missing = [place for place in places if not any(place in text for text in texts.values())]
    assert not missing, f"{source.name} does not name {missing}"
    for name, text in texts.items():
        for old, new in places.items():
            text = text.replace(old, new)
        (target / name).write_text(text)


@contextmanager
def nginx(gatehouse: int, app: App, folder: Path, samples: Path) -> Iterator[str]:
    port = free_port()
    (folder / "gatehouse").mkdir()
    copy_sample(samples / "nginx", folder / "gatehouse", gatehouse, app, port)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, f"http://localhost:{port}") as address:
        yield address


@contextmanager
def caddy(gatehouse: int, app: App, folder: Path, samples: Path) -> Iterator[str]:
    port = free_port()
    copy_sample(samples / "Caddyfile", folder, gatehouse, app, port)
    text = (folder / "Caddyfile").read_text()
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    command = ["env", f"HOME={folder}", "caddy", "run", "--config", str(folder / "Caddyfile")]
    with running(command, f"http://localhost:{port}") as address:
        yield address


@contextmanager
def haproxy(gatehouse: int, app: App, folder: Path, samples: Path) -> Iterator[str]:
    port = free_port()
    copy_sample(samples / "haproxy", folder, gatehouse, app, port)
    config = folder / "haproxy.cfg"
    config.write_text(config.read_text().replace("/etc/haproxy/", f"{folder}/"))
    command = ["haproxy", "-W", "-db", "-f", str(config)]
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


Proxy = Callable[[int, App, Path, Path], AbstractContextManager[str]]
PROXIES: dict[str, Proxy] = {"nginx": nginx, "caddy": caddy, "haproxy": haproxy}


@contextmanager
def start_proxy(
    name: str,
    gatehouse: int,
    app: App,
    folders: pytest.TempPathFactory,
    samples: Path = DEPLOY,
) -> Iterator[str]:
    """Yield the address of a proxy in front of the Gatehouse at that port, with the files of `samples`."""
    if not shutil.which(name):
        pytest.skip(f"NO {name}: it is not installed")
    folder = folders.mktemp(name)
    folder.chmod(0o755)
    with PROXIES[name](gatehouse, app, folder, samples) as address:
        yield address


def send(address: str, *headers: tuple[str, str], path: str = "/app/page") -> int:
    """Send a GET with exactly these header lines; return the status."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    with closing(connection):
        connection.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        return connection.getresponse().status
