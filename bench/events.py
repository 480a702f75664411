"""The memory of the BFF's worker while 1,000 pages wait for events.

Usage: .venv/bin/python -m bench.events    (writes docs/images/event-streams.png; needs requirements-bench.txt)
"""

import resource
import socket
import time
from pathlib import Path

import psutil

from tests.processes import JsonClient, Stack

from .streams import Watch, draw

IMAGE = Path(__file__).resolve().parents[1] / "docs" / "images" / "event-streams.png"
STREAMS = 1000
OF_SESSION = 5
HELD = 30  # seconds: more than a heartbeat
EMAILS = tuple(f"person{number}@example.com" for number in range(STREAMS // 20))  # 20 streams each


def open_stream(stack: Stack, cookie: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", stack.web_port), timeout=60)
    lines = ["GET /api/auth/events HTTP/1.1", "Host: localhost", f"Cookie: {cookie}"]
    sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
    head = sock.recv(65536)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode("latin-1"))
    return sock


def sign_in_all(stack: Stack) -> list[str]:
    """Sessions enough for all streams; their cookies."""
    passwords = {email: stack.make_user(email) for email in EMAILS}
    cookies = []
    for number in range(STREAMS // OF_SESSION):
        email = EMAILS[number % len(EMAILS)]
        client = JsonClient(stack.address)
        client.login(email, passwords[email]).raise_for_status()
        cookies.append(f"__Host-session={client.cookies['__Host-session']}")
    return cookies


def measure() -> Watch:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    with Stack(GATEHOUSE_LOG_LEVEL="WARNING") as stack:
        cookies = sign_in_all(stack)
        (worker,) = psutil.Process(stack.processes["web"].pid).children()
        watch = Watch(worker)
        streams: list[socket.socket] = []
        try:
            time.sleep(2)
            watch.mark("first stream")
            for number in range(STREAMS):
                streams.append(open_stream(stack, cookies[number % len(cookies)]))
            watch.mark(f"{STREAMS} streams")
            time.sleep(HELD)
            watch.mark("browsers leave")
            for stream in streams:
                stream.close()
            time.sleep(5)
        finally:
            watch.stop()
    return watch


def main() -> None:
    watch = measure()
    draw(watch, IMAGE, f"Memory of the BFF's worker while {STREAMS:,} pages wait for events")
    start, full = watch.marks[0][0], watch.marks[1][0]
    before = [m for t, m in zip(watch.times, watch.mebibytes, strict=True) if t < start]
    held = [m for t, m in zip(watch.times, watch.mebibytes, strict=True) if full < t < full + HELD]
    each = (min(held) - before[-1]) / STREAMS * 1024
    print(
        f"{before[-1]:.1f} MiB without, {min(held):.1f} to {max(held):.1f} with {STREAMS} streams: {each:.0f} KiB each"
    )


if __name__ == "__main__":
    main()
