"""A server that loses its latest writes, as after a crash with `appendfsync everysec`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.valkey import ValkeyServer


@contextmanager
def what_follows_is_lost(server: ValkeyServer) -> Iterator[None]:
    """Kill the server at the end of the block and start it with its files of before the block."""
    files, copy = server.folder / "appendonlydir", server.folder / "before"
    # All that was answered is in the files; with the system's cache, the copy sees it.
    shutil.copytree(files, copy)
    try:
        yield
        server.kill()
        shutil.rmtree(files)
        copy.rename(files)
        server.start()
    finally:
        shutil.rmtree(copy, ignore_errors=True)
