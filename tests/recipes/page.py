"""Reads docs/how-to/apps.md, so that the tests run what stands there."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.proxies import DEPLOY
from tests.processes import ROOT

PAGE = ROOT / "docs" / "how-to" / "apps.md"


@dataclass(frozen=True)
class Recipe:
    """One app of the page: its rule (`/jupyter/=group:ops`) and its blocks by language."""

    title: str
    rule: str
    blocks: Mapping[str, str]

    @property
    def path(self) -> str:
        return self.rule.partition("=")[0]

    @property
    def name(self) -> str:
        return self.path.strip("/")

    @property
    def port(self) -> str:
        """The port that the page names; "" if the proxy itself serves the files."""
        found = re.search(r"proxy_pass http://127\.0\.0\.1:(\d+)", self.blocks["nginx"])
        return found[1] if found else ""

    def is_for(self, proxy: str) -> bool:
        """Say whether the page has a block for this proxy."""
        return {"caddy": "caddyfile"}.get(proxy, proxy) in self.blocks

    def block(self, language: str, places: Mapping[str, str]) -> str:
        """Return a block with this test's places instead of the page's; "" if the page has none."""
        text = self.blocks.get(language, "")
        for old, new in places.items():
            text = text.replace(old, new)
        return text


def recipes() -> dict[str, Recipe]:
    """Return the recipes of the page that have blocks, by name."""
    found = {}
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
        rule = re.search(r"^    GATEHOUSE_ACCESS_RULES=(\S+)$", section, re.MULTILINE)
        if blocks and rule:
            recipe = Recipe(section.partition("\n")[0], rule[1], blocks)
            found[recipe.name] = recipe
    return found


def write_samples(folder: Path, places: Mapping[str, Mapping[str, str]]) -> None:
    """Copy docs/how-to/deploy/ to `folder`, with the blocks of each recipe. `places`: by recipe."""
    shutil.copytree(DEPLOY, folder, dirs_exist_ok=True)
    for name, recipe in recipes().items():
        mine = places[name]
        _insert(
            folder / "nginx/site.conf", "    location /app/ {", recipe.block("nginx", mine), above=1
        )
        _insert(folder / "Caddyfile", "\tredir /app /app/", recipe.block("caddyfile", mine))
        rules, _, backend = recipe.block("haproxy", mine).partition("\n\n")
        _insert(folder / "haproxy/haproxy.cfg", "    default_backend", rules)
        with (folder / "haproxy/haproxy.cfg").open("a") as config:
            config.write(f"\n{backend}")


def _insert(file: Path, mark: str, text: str, *, above: int = 0) -> None:
    """Insert `text` so many lines above the line that starts with `mark`."""
    lines = file.read_text().splitlines()
    [at] = [n for n, line in enumerate(lines) if line.startswith(mark)]
    file.write_text("\n".join([*lines[: at - above], text, *lines[at - above :], ""]))
