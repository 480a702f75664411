"""docs/how-to/front-end.md with real tools from npm: Vite in front of Gatehouse, tsc, openapi-typescript."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.conftest import EMAIL
from tests.e2e.test_browser import fill, press, wait_for_path, wait_for_text
from tests.ports import free_port
from tests.processes import ROOT, Stack, wait_for

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(not shutil.which("npm"), reason="NO NPM: Node.js is not installed"),
]
EXAMPLE = ROOT / "examples" / "front-end"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its packages, and the files of Gatehouse where it expects them."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("examples/front-end", "docs/reference", "frontend_site/static"):
        ignored = shutil.ignore_patterns("node_modules")
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    folder = root / "examples" / "front-end"
    npm(folder, "install", "--no-audit", "--no-fund")
    return folder


def npm(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["npm", *arguments], cwd=folder, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def dev_server(project: Path) -> Iterator[tuple[str, Stack]]:
    """Vite's address, and the Gatehouse behind it."""
    port = free_port()
    address = f"http://localhost:{port}"
    with Stack(GATEHOUSE_PUBLIC_ORIGIN=address) as stack:
        environment = {**os.environ, "GATEHOUSE": stack.address}
        command: Sequence[str] = [
            "node", "node_modules/vite/bin/vite.js", "--host", "localhost", "--port", str(port),
        ]  # fmt: skip
        with (project / "vite.log").open("w") as log:
            vite = subprocess.Popen(command, cwd=project, env=environment, stdout=log, stderr=log)
        try:
            wait_for(lambda: answers(address), "Vite to answer")
            yield address, stack
        finally:
            vite.terminate()
            vite.wait(30)


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=10).ok
    except requests.ConnectionError:
        return False


def test_the_example_has_sound_types_and_builds(project: Path) -> None:
    npm(project, "run", "build")
    [script] = (project / "dist" / "assets").glob("*.js")
    assert 'from"/gatehouse.js"' in script.read_text()  # not bundled


def test_a_wrong_use_of_gatehouse_js_is_a_type_error(project: Path) -> None:
    wrong = project / "src" / "wrong.ts"
    wrong.write_text('import { login } from "/gatehouse.js";\nawait login({ email: 7 });\n')
    command = ["node", "node_modules/typescript/bin/tsc", "--noEmit"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=240)
    wrong.unlink()
    assert "src/wrong.ts(2,15): error TS2322" in done.stdout


def test_types_can_be_made_from_the_contract(project: Path) -> None:
    npm(project, "run", "types")
    made = project / "src" / "openapi.d.ts"
    assert '"/api/auth/session"' in made.read_text()
    command = ["node", "node_modules/typescript/bin/tsc", "--noEmit"]
    subprocess.run(command, cwd=project, check=True, timeout=240)


def test_sign_in_call_and_sign_out_through_vite(
    browser: Any, project: Path, dev_server: tuple[str, Stack]
) -> None:
    address, stack = dev_server
    password = stack.make_user(EMAIL)
    browser.get(f"{address}/")
    wait_for_text(browser, "Not signed in")
    browser.find_element("id", "sign-in").click()
    wait_for_path(browser, "/login")
    fill(browser, email=EMAIL, password=password)
    press(browser, "main form")
    wait_for_text(browser, f"Signed in as {EMAIL}")
    assert browser.current_url == f"{address}/"
    assert {"__Host-session", "__Host-csrf"} <= {c["name"] for c in browser.get_cookies()}
    browser.find_element("id", "others").click()
    wait_for_text(browser, "Ended 0 other sessions")
    stack.manage("end_sessions", "--email", EMAIL)  # the stream of events passes, too
    wait_for_text(browser, "Not signed in")
    assert "error" not in (project / "vite.log").read_text()
