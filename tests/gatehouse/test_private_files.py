"""The secrets of development: made once, for their owner only."""

import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gatehouse.private_files import (
    SERVER_VARIABLES,
    development_secrets,
    server_addresses,
    write_server_addresses,
)
from gatehouse.variables import DEVELOPMENT_SECRETS


def test_whoever_comes_first_makes_the_secrets_of_all(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda folder: development_secrets(folder, DEVELOPMENT_SECRETS), [tmp_path] * 32
            )
        )
    assert all(one == found[0] for one in found)
    assert {"SECRET_KEY", "FRONTEND_SECRET_KEY", "GATEHOUSE_IDENTITY_KEYS"} <= found[0].keys()
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_that_is_new_to_development_joins_the_others(tmp_path: Path) -> None:
    first = development_secrets(tmp_path, DEVELOPMENT_SECRETS)
    file = tmp_path / "secrets.env"
    lines = [line for line in file.read_text().splitlines() if "IDENTITY" not in line]
    file.write_text("\n".join(lines) + "\n")
    second = development_secrets(tmp_path, DEVELOPMENT_SECRETS)
    assert second.keys() == first.keys()
    assert {name for name in first if first[name] != second[name]} == {"GATEHOUSE_IDENTITY_KEYS"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_that_others_could_read_are_closed(tmp_path: Path) -> None:
    development_secrets(tmp_path, DEVELOPMENT_SECRETS)
    (tmp_path / "secrets.env").chmod(0o644)
    tmp_path.chmod(0o755)
    development_secrets(tmp_path, DEVELOPMENT_SECRETS)
    assert stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode) == 0o600
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_the_addresses_of_a_running_server_are_found(tmp_path: Path) -> None:
    addresses = dict.fromkeys(SERVER_VARIABLES, "9000")
    assert server_addresses(tmp_path) == {}
    file = write_server_addresses(tmp_path, {**addresses, "SECRET_KEY": "x"})
    assert server_addresses(tmp_path) == addresses
    with subprocess.Popen(["true"]) as ended:
        pass
    file.write_text(file.read_text().replace(str(os.getpid()), str(ended.pid)))
    assert server_addresses(tmp_path) == {}  # it was killed


def test_every_secret_differs(tmp_path: Path) -> None:
    made = development_secrets(tmp_path / "var", DEVELOPMENT_SECRETS)
    assert len(set(made.values())) == len(made) == len(DEVELOPMENT_SECRETS)
