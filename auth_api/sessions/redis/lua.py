"""Reads the Lua scripts of the engine (scripts/)."""

from hashlib import sha1
from pathlib import Path

_SCRIPTS = Path(__file__).parent / "scripts"
_PARTS = ("prelude", "run")  # what scripts share; "--@run" stands where one wants run.lua


class Script:
    """A Lua script and the name (SHA-1) under which Redis keeps it."""

    def __init__(self, name: str) -> None:
        text = _source(name)
        # The prelude goes in front, unless the script says where, or has flags and does without it.
        if "--@prelude\n" not in text and not text.startswith("#!"):
            text = f"--@prelude\n{text}"
        for part in _PARTS:
            text = text.replace(f"--@{part}\n", _source(part), 1)
        self.text = text
        # Redis' own naming of scripts, not a security use
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def load_scripts() -> dict[str, Script]:
    """Return every script by its name."""
    names = (path.stem for path in _SCRIPTS.glob("*.lua"))
    return {name: Script(name) for name in names if name not in _PARTS}


def _source(name: str) -> str:
    return (_SCRIPTS / f"{name}.lua").read_text("utf-8")
