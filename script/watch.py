"""Finds code files that have changed: script/server then reloads the services that run them."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

# Templates and static files are read anew by themselves (settings/development.py).
_CODE = (".py", ".lua")
_ELSEWHERE = frozenset({"bench", "docs", "script", "tests", "var"})  # at the top
# Which services run the code of a folder; the site runs that of every other one, since those are apps of it.
_SERVICES = {"auth_api": ("auth", "mail"), "gatehouse": ("auth", "mail", "web")}


class Watch:
    """Knows when each file of code below `root` was last written."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen = dict(self._look())

    def changed(self) -> list[Path]:
        """Return what was written, made or deleted since the last call, by its path below the root."""
        before, self._seen = self._seen, dict(self._look())
        names = before.keys() | self._seen.keys()
        return sorted(name for name in names if before.get(name) != self._seen.get(name))

    def _look(self) -> Iterator[tuple[Path, int]]:
        for folder, folders, files in os.walk(self._root):
            top = Path(folder) == self._root
            folders[:] = [
                name for name in folders
                if not name.startswith((".", "__", "node_modules"))
                and not (top and name in _ELSEWHERE)
            ]  # fmt: skip
            for name in files:
                path = Path(folder, name)
                if path.suffix in _CODE and path.exists():
                    yield path.relative_to(self._root), path.stat().st_mtime_ns


def services_of(changed: Iterable[Path]) -> list[str]:
    """Return the services that run one of these files."""
    names = (_SERVICES.get(path.parts[0], ("web",)) for path in changed)
    return sorted({name for some in names for name in some})
