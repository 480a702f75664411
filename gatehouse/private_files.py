"""Creates files and folders that only their owner can read, and the development secrets."""

import fcntl
import os
import secrets
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_PID = "SERVER_PID"
SERVER_FILE = "server.env"
SERVER_VARIABLES = ("GATEHOUSE_PUBLIC_ORIGIN", "FRONTEND_PORT", "AUTH_API_PORT")


def make_private_folder(folder: Path) -> None:
    """Create `folder` for this user only, whatever the umask, or restrict an existing one.

    Raises ImproperlyConfigured for a folder that every user may write to, such as /tmp.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & stat.S_ISVTX:
        raise ImproperlyConfigured(
            f"GATEHOUSE_VAR: {folder} is shared with other users. Set it to a folder of its own."
        )
    remove_access_of_others(folder)


def remove_access_of_others(path: Path) -> None:
    """Let only its owner read or change `path`; a path of another user stays as it is."""
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        path.chmod(stat.S_IMODE(found.st_mode) & 0o700)


def development_secrets(folder: Path, names: Mapping[str, bool]) -> dict[str, str]:
    """Return the secrets in `<folder>/secrets.env`; whoever comes first creates the missing ones.

    `names`: each variable, and whether it is a list of keys. Both projects and all their workers read
    the same file. It is replaced whole, by one process at a time.
    """
    make_private_folder(folder)
    path = folder / "secrets.env"
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = _read(path, names)
        missing = {name: _new(is_list) for name, is_list in names.items() if name not in known}
        if missing:
            _write(path, known | missing)
        remove_access_of_others(path)
        return known | missing
    finally:
        os.close(lock)


def server_addresses(folder: Path) -> dict[str, str]:
    """Return the variables that script/server has written to `<folder>/server.env` while it runs.

    Commands in another terminal do not have its environment: without these, links and `doctor` would assume
    the default port. Returns nothing if script/server was killed, and left the file.
    """
    found = _read(folder / SERVER_FILE, (*SERVER_VARIABLES, _PID))
    return found if _is_running(found.pop(_PID, "")) else {}


def write_server_addresses(folder: Path, environment: Mapping[str, str]) -> Path:
    """Write what `server_addresses` reads; return the file, which is to be removed at the end."""
    values = {name: environment[name] for name in SERVER_VARIABLES} | {_PID: str(os.getpid())}
    path = folder / SERVER_FILE
    _write(path, values)
    return path


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:  # of another user
        return True
    except (OSError, ValueError):
        return False
    return True


def _new(is_list: bool) -> str:
    return ("dev1:" if is_list else "") + secrets.token_urlsafe(48)


def _read(path: Path, names: Collection[str]) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines)
    return {name: value for name, _, value in pairs if name in names}


def _write(path: Path, values: Mapping[str, str]) -> None:
    draft = path.with_name(f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    draft.replace(path)
