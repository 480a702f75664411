"""The memory of the BFF's worker while 100 MB stream through it, down and up.

Usage: .venv/bin/python -m bench.streams    (writes docs/images/stream-memory.png; needs requirements-bench.txt)
"""

import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.frontend_site.upstreams.service import PIECE, Service
from tests.processes import JsonClient, Stack

IMAGE = Path(__file__).resolve().parents[1] / "docs" / "images" / "stream-memory.png"
SIZE = 100 * 1024 * 1024
EMAIL = "ada@example.com"


class Watch:
    """The memory of a process, twenty times a second."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._start = time.monotonic()
        self._stop = threading.Event()
        self.times: list[float] = []
        self.mebibytes: list[float] = []
        self.marks: list[tuple[float, str]] = []
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def mark(self, text: str) -> None:
        self.marks.append((time.monotonic() - self._start, text))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.05):
            self.times.append(time.monotonic() - self._start)
            self.mebibytes.append(self._process.memory_info().rss / 2**20)


def download(stack: Stack, cookies: str) -> None:
    with socket.create_connection(("127.0.0.1", stack.web_port), timeout=60) as sock:
        lines = [
            "GET /api/reports/big?100 HTTP/1.1",
            "Host: localhost",
            "Connection: close",
            cookies,
        ]
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        received = 0
        while piece := sock.recv(1 << 20):
            received += len(piece)
    if received < SIZE:
        raise RuntimeError(f"only {received} bytes came")


def upload(stack: Stack, cookies: str, token: str) -> None:
    with socket.create_connection(("127.0.0.1", stack.web_port), timeout=60) as sock:
        lines = ["PUT /api/reports/echo HTTP/1.1", "Host: localhost", "Connection: close", cookies]
        lines += [f"X-CSRF-Token: {token}", f"Content-Length: {SIZE}"]
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        for _ in range(SIZE // len(PIECE)):
            sock.sendall(PIECE)
        answer = sock.recv(65536)
    if not re.match(rb"HTTP/1.1 200", answer):
        raise RuntimeError(answer.decode("latin-1"))


def measure() -> Watch:
    service = Service()
    names = {"GATEHOUSE_UPSTREAMS": f"reports={service.url}"}
    with Stack(**names, GATEHOUSE_ACCESS_RULES="/api/reports/=signed-in") as stack:
        client = JsonClient(stack.address)
        client.login(EMAIL, stack.make_user(EMAIL))
        token = client.csrf()
        cookies = "Cookie: " + "; ".join("=".join(pair) for pair in client.cookies.items())
        (worker,) = psutil.Process(stack.processes["web"].pid).children()
        steps: list[tuple[str, Callable[[], None]]] = [
            ("100 MB down", lambda: download(stack, cookies)),
            ("100 MB up", lambda: upload(stack, cookies, token)),
        ]
        watch = Watch(worker)
        try:
            for title, step in steps * 2:
                time.sleep(0.5)
                watch.mark(title)
                step()
            time.sleep(0.5)
        finally:
            watch.stop()
    service.shutdown()
    return watch


def draw(watch: Watch, image: Path, title: str) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3.2), layout="constrained")
    axes.plot(watch.times, watch.mebibytes, color="#1f5a48")
    for moment, text in watch.marks:
        axes.axvline(moment, color="#8a918c", linewidth=0.8, linestyle=":")
        axes.annotate(text, (moment, 4), rotation=90, fontsize=8, color="#56605b")
    axes.set(xlabel="seconds", ylabel="MiB", ylim=(0, max(watch.mebibytes) * 1.4))
    axes.set_title(title, fontsize=10)
    figure.savefig(image, dpi=120)


def main() -> None:
    watch = measure()
    draw(watch, IMAGE, "Memory of the BFF's worker while 100 MB stream through it")
    low, high = min(watch.mebibytes), max(watch.mebibytes)
    print(f"{low:.1f} to {high:.1f} MiB; {IMAGE.name} is written")


if __name__ == "__main__":
    main()
