"""1,000 WebSockets to an upstream: memory, round trips, and how soon they close with their sessions.

Usage: .venv/bin/python -m bench.websockets [--write]

One worker of each service. 20 users with a session each open 50 WebSockets to a server that says each message
again. Then all 20 sign out at once. --write puts the table into docs/reference/benchmarks.md.
"""

import argparse
import asyncio
import resource
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.processes import JsonClient, Stack

from .page import write_block

USERS, OF_USER = 20, 50
_AT_ONCE = 20  # handshakes
_SETTLED = 5  # seconds
_LIFELESS = {"ping_interval": None, "compression": None}


@dataclass
class Figures:
    """MiB of the worker, and seconds."""

    before: float = 0
    open: float = 0
    opening: float = 0
    round_trips: tuple[float, ...] = ()
    closing: float = 0
    after: float = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    table = _table(_measure())
    print(table)
    if arguments.write:
        write_block("bench.websockets", table)


def _measure() -> Figures:
    with _service() as port:
        settings = {
            "GATEHOUSE_UPSTREAMS": f"chat=http://127.0.0.1:{port}+websocket=yes",
            "GATEHOUSE_ACCESS_RULES": "/api/chat/=signed-in",
            "GATEHOUSE_UPSTREAM_RECHECK": "1h",  # what closes them is that they are told
            "GATEHOUSE_LOG_LEVEL": "WARNING",
        }
        with Stack(**settings) as stack:
            clients = [_signed_in(stack, f"person{number}@example.com") for number in range(USERS)]
            (worker,) = psutil.Process(stack.processes["web"].pid).children()
            return asyncio.run(_run(stack, clients, worker))


def _signed_in(stack: Stack, email: str) -> JsonClient:
    client = JsonClient(stack.address)
    client.login(email, stack.make_user(email)).raise_for_status()
    client.csrf()
    return client


@contextmanager
def _service() -> Iterator[int]:
    """A WebSocket server in a thread; its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> int:
        server = await serve(_say_again, "127.0.0.1", 0, **_LIFELESS)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield asyncio.run_coroutine_threadsafe(start(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


async def _say_again(connection: ServerConnection) -> None:
    with suppress(
        ConnectionClosed
    ):  # that the browser's end comes without a close frame is measured
        async for message in connection:
            await connection.send(message)


async def _run(stack: Stack, clients: list[JsonClient], worker: psutil.Process) -> Figures:
    figures = Figures()
    await _open(stack, clients[0])  # what is made once for all is made
    await asyncio.sleep(_SETTLED)
    figures.before = _mebibytes(worker)
    began = time.monotonic()
    gate = asyncio.Semaphore(_AT_ONCE)

    async def opened(client: JsonClient) -> ClientConnection:
        async with gate:
            return await _open(stack, client)

    wanted = [client for client in clients for _ in range(OF_USER)][1:]
    sockets = await asyncio.gather(*map(opened, wanted))
    figures.opening = time.monotonic() - began
    figures.round_trips = tuple(await asyncio.gather(*map(_round_trip, sockets)))
    await asyncio.sleep(_SETTLED)
    figures.open = _mebibytes(worker)
    began = time.monotonic()
    threads = [threading.Thread(target=_sign_out, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(socket.wait_closed() for socket in sockets))
    figures.closing = time.monotonic() - began
    for thread in threads:
        thread.join()
    await asyncio.sleep(_SETTLED)
    figures.after = _mebibytes(worker)
    return figures


async def _open(stack: Stack, client: JsonClient) -> ClientConnection:
    address = stack.address.removeprefix("http://")
    cookie = f"__Host-session={client.cookies['__Host-session']}"
    return await connect(
        f"ws://{address}/api/chat/x", origin=stack.address, proxy=None, open_timeout=60,
        additional_headers={"Cookie": cookie}, **_LIFELESS,
    )  # fmt: skip


async def _round_trip(socket: ClientConnection) -> float:
    began = time.monotonic()
    await socket.send("x" * 100)
    await socket.recv()
    return time.monotonic() - began


def _sign_out(client: JsonClient) -> None:
    client.post("/api/auth/logout").raise_for_status()


def _mebibytes(worker: psutil.Process) -> float:
    return worker.memory_info().rss / 2**20


def _table(figures: Figures) -> str:
    count = USERS * OF_USER
    each = (figures.open - figures.before) / count * 1024
    ordered = sorted(figures.round_trips)
    rows = {
        "the worker before, MiB": f"{figures.before:.1f}",
        f"with {count:,} open, MiB": f"{figures.open:.1f}",
        "each, KiB": f"{each:.0f}",
        "the worker after, MiB": f"{figures.after:.1f}",
        f"opened/s, {_AT_ONCE} handshakes at once": f"{count / figures.opening:.0f}",
        "a message and its echo, all at once, p50 ms": f"{statistics.median(ordered) * 1000:.0f}",
        "p99 ms": f"{ordered[int(len(ordered) * 0.99)] * 1000:.0f}",
        f"from the first of {USERS} sign-outs until all are closed, s": f"{figures.closing:.2f}",
    }
    return "\n".join(
        ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())]
    )


if __name__ == "__main__":
    main()
