"""Where a service is to listen, and whether it can. It imports no Django, since gunicorn's master uses it."""

import os
import socket
import time
from contextlib import closing, suppress

from gunicorn import systemd, util
from gunicorn.arbiter import Arbiter

Address = tuple[str, int] | str  # host and port, or the path of a Unix socket

_PATIENCE = 5.0  # seconds: workers whose master was killed leave within this time


def addresses(server: Arbiter) -> list[Address]:
    """Return where `server` is to listen: the names of the sockets that it inherits, or its settings."""
    if inherited := _inherited(server):
        return [_name(descriptor) for descriptor in inherited]
    return list(server.cfg.address)


def require_free_addresses(server: Arbiter, hint: str) -> None:
    """End this process with one line if `server` cannot listen where it is to; `hint` says what to do."""
    if _inherited(server) or server.master_pid:  # SIGUSR2: the sockets of the old master
        return
    for address in addresses(server):
        if problem := _problem_within_patience(address):
            raise SystemExit(f"gatehouse: cannot listen on {_shown(address)}: {problem}. {hint}")


def _inherited(server: Arbiter) -> list[int]:
    """Return the descriptors of inherited sockets, from `--bind fd://N` or systemd."""
    first = systemd.SD_LISTEN_FDS_START
    activated = range(first, first + systemd.listen_fds(unset_environment=False))
    return [*(a for a in server.cfg.address if isinstance(a, int)), *activated]


def _name(descriptor: int) -> Address:
    with closing(socket.socket(fileno=os.dup(descriptor))) as listener:
        name = listener.getsockname()
    return name if isinstance(name, str) else (str(name[0]), int(name[1]))


def _problem_within_patience(address: Address) -> str:
    until = time.monotonic() + _PATIENCE
    while (problem := problem_of(address)) and time.monotonic() < until:
        time.sleep(0.1)
    return problem


def problem_of(address: Address) -> str:
    """Return why nobody can listen on `address` at this moment, "" if one can."""
    if isinstance(address, str):
        return "another process is listening there" if _answers(address) else ""
    family = socket.AF_INET6 if util.is_ipv6(address[0]) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return (error.strerror or type(error).__name__).lower()
    return ""


def _answers(path: str) -> bool:
    """Whether somebody listens on a Unix socket: gunicorn would take its name away."""
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(path)
        return True
    return False


def _shown(address: Address) -> str:
    if isinstance(address, str):
        return address
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
