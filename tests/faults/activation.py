"""Starts services on sockets that somebody else opened, as systemd does (sd_listen_fds(3))."""

import shlex
import socket
import subprocess
import sys

from tests.processes import ROOT, Stack

_LAUNCHER = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
"""
COMMANDS = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def listener(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Open a socket as systemd does for `ListenStream=`."""
    return socket.create_server((host, port), backlog=2048)


def start_on(opened: socket.socket, stack: Stack, name: str) -> subprocess.Popen[bytes]:
    """Start `web` or `auth` of the Procfile on a socket that was `opened` before; does not wait for it."""
    launcher = [sys.executable, "-c", _LAUNCHER, str(opened.fileno())]
    with stack.log(name).open("ab") as log:
        return subprocess.Popen(
            [*launcher, *shlex.split(COMMANDS[name])], cwd=ROOT, stdout=log, stderr=log,
            env=stack.environment,
            pass_fds=[opened.fileno()], start_new_session=True,
        )  # fmt: skip
