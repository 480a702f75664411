"""Ports for servers of tests."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

# Below what Linux gives to outgoing connections, which could take a port before its server does.
_FIRST, _LAST = 10000, 32000
_LEDGER = Path(tempfile.gettempdir()) / f"gatehouse-test-ports-{os.getuid()}"


def free_port() -> int:
    """Return a port of loopback that nobody listens on, and that no other test process gets soon."""
    descriptor = os.open(_LEDGER, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as ledger:
        fcntl.flock(ledger, fcntl.LOCK_EX)
        port = int(ledger.read() or _FIRST)
        while not _is_free(port := port + 1 if port < _LAST else _FIRST):
            pass
        ledger.seek(0)
        ledger.write(f"{port:05}")
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
