"""`doctor` on the bodies that a real nginx lets pass."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from auth_api.doctor.door import Door
from auth_api.doctor.findings import Outcome
from auth_api.doctor.limits import upload_limit
from tests.ports import free_port
from tests.processes import wait_for

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port}; client_max_body_size 64k;
        location / {{ proxy_pass http://127.0.0.1:9; }}
        location /notes/ {{ client_max_body_size 2m; proxy_pass http://127.0.0.1:9; }}
    }}
}}
"""


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    if not shutil.which("nginx"):
        pytest.skip("NO nginx: it is not installed")
    port = free_port()
    with TemporaryDirectory(prefix="gh-nginx-") as folder:
        config = Path(folder, "nginx.conf")
        config.write_text(NGINX.format(folder=folder, port=port))
        process = subprocess.Popen(["nginx", "-p", folder, "-c", str(config)], stderr=subprocess.DEVNULL)  # fmt: skip
        found = Door(f"http://127.0.0.1:{port}")
        try:
            wait_for(lambda: found.announce("/", 1024 * 1024) is not None, "nginx to answer")
            yield found
        finally:
            process.terminate()
            process.wait(30)


def test_a_proxy_below_the_largest_limit_of_the_views(door: Door) -> None:
    found = upload_limit(door, "/prices", 2 * 1024 * 1024)
    assert found.outcome is Outcome.FAIL
    assert found.found == "views at /prices take 2048 KiB, but the proxy answers 413"
    assert "client_max_body_size 2048k" in found.mend


def test_a_proxy_that_lets_uploads_pass(door: Door) -> None:
    assert upload_limit(door, "/notes/new", 2 * 1024 * 1024).outcome is Outcome.OK
    assert upload_limit(door, "/notes/new", 3 * 1024 * 1024).outcome is Outcome.FAIL
