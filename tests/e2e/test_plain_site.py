"""The samples of docs/how-to/deploy/ for a site without apps: each proxy accepts what is left of its sample."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.proxies import DEPLOY, NGINX

# What the first lines of each sample say to delete.
DELETED = {
    "nginx": {"nginx/site.conf": [r"    location /app/ \{.*?\n    \}\n"]},
    "caddy": {"Caddyfile": [r"\tredir /app /app/\n", r"\thandle /app/\* \{.*?\n\t\}\n"]},
    "haproxy": {
        "haproxy/haproxy.cfg": [
            r"    lua-load .*?\n", r"    http-request redirect location /app/ .*?\n",
            r"    http-request lua\.gatehouse .*?\n", r"    use_backend app .*?\n", r"backend app\n.*",
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", DELETED)
def test_a_site_without_apps(name: str, tmp_path: Path) -> None:
    if not shutil.which(name):
        pytest.skip(f"NO {name}: it is not installed")
    shutil.copytree(DEPLOY, tmp_path, dirs_exist_ok=True)
    for file, patterns in DELETED[name].items():
        text = (tmp_path / file).read_text()
        for pattern in patterns:
            text, count = re.subn(pattern, "", text, flags=re.DOTALL)
            assert count == 1, pattern
        (tmp_path / file).write_text(text)
    done = subprocess.run(_command(name, tmp_path), text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


def _command(name: str, folder: Path) -> list[str]:
    """Return the command that checks the configuration in `folder`, without starting anything."""
    if name == "caddy":
        return ["env", f"HOME={folder}", "caddy", "validate", "--config", f"{folder}/Caddyfile"]
    if name == "haproxy":
        return ["haproxy", "-c", "-f", f"{folder}/haproxy/haproxy.cfg"]
    (folder / "nginx").rename(folder / "gatehouse")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    return ["nginx", "-t", "-p", str(folder), "-c", str(folder / "nginx.conf")]
