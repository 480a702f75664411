"""The only reader of os.environ in this project."""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_KEY = re.compile(r"([a-z0-9]{1,16}):(.{32,})", re.ASCII)
ENVIRONMENTS = ("development", "production", "test")


@dataclass(frozen=True)
class Key:
    """A named secret; `id` may be shown, `secret` never."""

    id: str
    secret: bytes = field(repr=False)


def parse_keys(text: str, name: str) -> tuple[Key, ...]:
    """Return the keys of `<id>:<secret>,<id>:<secret>`, newest first. Raises ImproperlyConfigured."""
    matches = [_KEY.fullmatch(part.strip()) for part in text.split(",")]
    keys = tuple(Key(match[1], match[2].encode()) for match in matches if match)
    if len(keys) != len(matches):
        raise ImproperlyConfigured(
            f"{name}: write `<id>:<secret of 32 or more characters>`, several separated by commas, "
            "the newest first"
        )
    return keys


class Env:
    """Reads variables; one line per variable: name, kind, default."""

    def __init__(self, values: dict[str, str] | None = None) -> None:
        self.values = dict(os.environ if values is None else values)
        self.environment = self.text("GATEHOUSE_ENV", "development")
        if self.environment not in ENVIRONMENTS:
            raise ImproperlyConfigured(f"GATEHOUSE_ENV: one of {', '.join(ENVIRONMENTS)}")

    def text(self, name: str, default: str) -> str:
        return self.values.get(name) or default

    def number(self, name: str, default: int) -> int:
        try:
            return int(self.text(name, str(default)))
        except ValueError:
            raise ImproperlyConfigured(f"{name}: a whole number") from None

    def list(self, name: str, default: str) -> list[str]:
        return [item.strip() for item in self.text(name, default).split(",") if item.strip()]

    def path(self, name: str, default: Path) -> Path:
        return Path(self.text(name, str(default))).resolve()

    def required(self, name: str) -> str:
        """Return a variable that production cannot do without."""
        if value := self.values.get(name):
            return value
        raise ImproperlyConfigured(
            f"{name} is not set. Set it (docs/configuration.md), or set "
            "GATEHOUSE_ENV=development, which makes throw-away secrets of its own."
        )

    def keys(self, name: str) -> tuple[Key, ...]:
        return parse_keys(self.required(name), name)


_DEVELOPMENT_SECRETS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "FRONTEND_SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "GATEHOUSE_SERVICE_KEYS": lambda: "dev1:" + secrets.token_urlsafe(32),
    "GATEHOUSE_SESSION_KEYS": lambda: "dev1:" + secrets.token_urlsafe(32),
    "GATEHOUSE_CSRF_KEYS": lambda: "dev1:" + secrets.token_urlsafe(32),
    "GATEHOUSE_IDENTITY_KEYS": lambda: "dev1:" + secrets.token_urlsafe(32),
}


def development_secrets(folder: Path) -> dict[str, str]:
    """Return the secrets in `<folder>/secrets.env`; whoever comes first makes those that lack.

    Both projects and all their workers read the same file. It is replaced whole, and by one process
    at a time.
    """
    make_private_folder(folder)
    path = folder / "secrets.env"
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = _read_secrets(path)
        missing = {name: make() for name, make in _DEVELOPMENT_SECRETS.items() if name not in known}
        if missing:
            _write_secrets(path, known | missing)
        take_rights_of_others(path)
        return known | missing
    finally:
        os.close(lock)


def make_private_folder(folder: Path) -> None:
    """Create `folder` for this user only, whatever the umask, or restrict an existing one.

    Raises ImproperlyConfigured for a folder that every user may write to, such as /tmp.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & stat.S_ISVTX:
        raise ImproperlyConfigured(
            f"GATEHOUSE_VAR: {folder} is shared with other users. Set it to a folder of its own."
        )
    take_rights_of_others(folder)


def take_rights_of_others(path: Path) -> None:
    """Let only its owner read or change `path`; a path of another user stays as it is."""
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        path.chmod(stat.S_IMODE(found.st_mode) & 0o700)


def _read_secrets(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines)
    return {name: value for name, _, value in pairs if name in _DEVELOPMENT_SECRETS}


def _write_secrets(path: Path, values: dict[str, str]) -> None:
    draft = path.with_name(f".secrets.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    draft.replace(path)
