"""Installs real apps with pinned versions into var/recipes/, and runs them as docs/how-to/apps.md says."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.processes import ROOT, wait_for
from tests.recipes.page import recipes

PINS = Path(__file__).parent
PATIENCE = 600  # seconds until an app answers: on a busy machine, MLflow takes minutes
INSTALLED = ROOT / "var" / "recipes"
INSTALL_LIMIT = 300  # seconds
# The pins are complete, so pip need not resolve them; Python compiles the modules that are imported.
PIP_OPTIONS = [
    "--no-input", "--disable-pip-version-check", "--no-deps", "--no-compile",
    "--only-binary", ":all:", "--retries", "2",
]  # fmt: skip
NPM_OPTIONS = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
# What pip and npm print when the registry or the way to it fails, and not the pins.
REGISTRY_FAILED = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|timed out|Connection (broken|reset|aborted)"
    r"|IncompleteRead|ProxyError|name resolution|too many 5\d\d|HTTP error (429|5\d\d)"
    r"|429 Client Error|5\d\d Server Error"
    r"|ECONNRE(FUSED|SET)|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENETUNREACH|ERR_SOCKET_TIMEOUT|\bE(429|5\d\d)\b"
)


def python_app(name: str) -> Path:
    """Install requirements-NAME.txt into a venv of its own, once; return the folder of its commands.

    Skips if PyPI cannot be reached.
    """
    pins, folder = PINS / f"requirements-{name}.txt", INSTALLED / name
    stamp = folder / "installed"
    if not _is_current(stamp, pins):
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
        install(name, [*pip, "install", *PIP_OPTIONS, "--requirement", str(pins)])
        shutil.copyfile(pins, stamp)
    return folder / "bin"


def node_app(name: str) -> Path:
    """Copy the folder NAME and install its package-lock.json, once; return the copy.

    Skips without npm, and if its registry cannot be reached.
    """
    if not shutil.which("npm"):
        pytest.skip(f"NOT TESTED: {name}: npm is not installed")
    pins, folder = PINS / name / "package-lock.json", INSTALLED / name
    stamp = folder / "installed"
    if not _is_current(stamp, pins):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(PINS / name, folder)
        install(name, ["npm", "ci", *NPM_OPTIONS, "--prefix", str(folder)])
        shutil.copyfile(pins, stamp)
    shutil.copytree(PINS / name, folder, dirs_exist_ok=True)
    return folder


def _is_current(stamp: Path, pins: Path) -> bool:
    return stamp.exists() and stamp.read_bytes() == pins.read_bytes()


def run(
    command: list[str], folder: Path = ROOT, limit: float | None = None, **variables: str
) -> None:
    """Run a command in `folder` to its end. Raises RuntimeError, and TimeoutExpired after `limit` seconds."""
    environment = {**os.environ, **variables}
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, timeout=limit
    )
    if done.returncode:
        raise RuntimeError(f"{command}:\n{done.stdout}{done.stderr}")


def install(name: str, command: list[str]) -> None:
    """Install the app NAME, with a second attempt if its registry fails; then skip.

    Raises RuntimeError if the installation fails for another reason, for example a wrong pin.
    """
    for last in (False, True):
        try:
            # pip says only at this level why an index did not answer.
            run(command, limit=INSTALL_LIMIT, PIP_VERBOSE="2" if last else "0")
            return
        except subprocess.TimeoutExpired:
            reason = f"{command[0]} took more than {INSTALL_LIMIT} seconds"
        except RuntimeError as error:
            found = REGISTRY_FAILED.search(str(error))
            if last and not found:
                raise
            reason = found[0] if found else ""
        if last:
            pytest.skip(f"NOT TESTED: {name}: its registry failed twice ({reason})")


def page_command(name: str, places: Mapping[str, str]) -> list[str]:
    """Return the command of a recipe's sh block, with this test's places."""
    return shlex.split(recipes()[name].block("sh", places).replace("\\\n", " "))


@contextmanager
def running(
    command: list[str], folder: Path, commands: Path, address: str, status: int = 200
) -> Iterator[None]:
    """Run a command in `folder`, where it has its HOME, until `address` answers; end it afterwards."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GATEHOUSE")}
    environment = {
        **kept,
        "HOME": str(folder),
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )

    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError((folder / "log").read_text())
        try:
            return requests.get(address, timeout=10).status_code == status
        except requests.RequestException:
            return False

    try:
        wait_for(answers, f"{command[0]} to answer", patience=PATIENCE)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # with its workers and kernels
        process.wait()
