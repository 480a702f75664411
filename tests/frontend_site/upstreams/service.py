"""A real HTTP server that stands for a service behind the site, with every kind of trouble."""

import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = b"0123456789abcdef" * 4096  # 64 KiB
FILE = b"The quick brown fox jumps over the lazy dog."


@dataclass
class Call:
    """One request as it reached the service."""

    method: str
    path: str
    headers: dict[str, str]
    lines: list[tuple[str, str]] = field(repr=False)
    connection: int  # which TCP connection it came by
    size: int = 0
    digest: str = ""


class Service(ThreadingHTTPServer):
    """`calls` has what arrived; `go_on` lets waiting answers continue."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[Call] = []
        self.go_on = threading.Event()
        self.headers: list[tuple[str, str]] = []  # of the next answers of /echo
        self.hang_ups = 0  # of streams of events
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/base"

    def reset(self) -> None:
        self.go_on.set()
        self.go_on = threading.Event()
        self.calls.clear()
        self.headers = []
        self.hang_ups = 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def answer(self) -> None:
        lines = list(self.headers.items())
        call = Call(self.command, self.path, dict(lines), lines, self.client_address[1])
        self.server.calls.append(call)
        name = self.path.partition("?")[0].rpartition("/")[2]
        if name == "refuse":  # before the body is read
            return self._send(b"no", status=413, close=True)
        self._read(call)
        getattr(self, f"_{name}", self._echo)(call)
        return None

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer
    do_PROPFIND = do_LOCK = do_COPY = do_MOVE = do_REPORT = answer

    def _read(self, call: Call) -> None:
        seen = sha256()
        for piece in self._pieces():
            call.size += len(piece)
            seen.update(piece)
        call.digest = seen.hexdigest()

    def _pieces(self) -> Any:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().strip() or b"0", 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            piece = self.rfile.read(min(left, 65536))
            if not piece:
                return
            left -= len(piece)
            yield piece

    def _send(self, body: bytes, *, status: int = 200, close: bool = False, **more: str) -> None:
        self.send_response(status)
        for name, value in self.server.headers:
            self.send_header(name, value)
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def _echo(self, call: Call) -> None:
        self._send(json.dumps({"size": call.size, "digest": call.digest}).encode())

    def _file(self, call: Call) -> None:
        """Ranges and conditional requests."""
        if self.headers.get("If-None-Match") == '"fox"':
            return self._send(b"", status=304, ETag='"fox"')
        if self.headers.get("Range") == "bytes=4-8":
            return self._send(
                FILE[4:9], status=206, Content_Range=f"bytes 4-8/{len(FILE)}", ETag='"fox"'
            )
        return self._send(FILE, ETag='"fox"', Accept_Ranges="bytes", Cache_Control="max-age=60")

    def _big(self, call: Call) -> None:
        """As many MiB as the query says, with their length."""
        count = int(self.path.partition("?")[2]) * 16
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(count * len(PIECE)))
        self.end_headers()
        for _ in range(count):
            self.wfile.write(PIECE)

    def _events(self, call: Call) -> None:
        """Server-sent events: the second one when the test says so."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        self._chunk(b"data: one\n\n")
        while not self.server.go_on.wait(0.1):
            try:
                self._chunk(b": still here\n\n")
            except OSError:
                self.server.hang_ups += 1
                raise
        self._chunk(b"data: two\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _gone(self, call: Call) -> None:
        """Closes without a word."""
        self.close_connection = True

    def _reset(self, call: Call) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def _cut(self, call: Call) -> None:
        """Promises more than it sends."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * 10)
        self.close_connection = True

    def _torn(self, call: Call) -> None:
        """The same in chunks: the last one never comes."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(b"x" * 10)
        self.close_connection = True

    def _hang(self, call: Call) -> None:
        self.server.go_on.wait(30)
        self.close_connection = True

    def _late(self, call: Call) -> None:
        """With the status that the query says."""
        self.server.go_on.wait(60)
        self._send(b"late", status=int(self.path.partition("?")[2] or 200))

    def _nonsense(self, call: Call) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n")
        self.close_connection = True

    def _hinted(self, call: Call) -> None:
        """Interim answers before the answer: early hints, "still at it", as many as the query says."""
        for _ in range(int(self.path.partition("?")[2])):
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n")
            self.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        self._send(f"answer to {self.headers['X-Request-Id']}".encode())

    def _switched(self, call: Call) -> None:
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        self.close_connection = True

    def _claimed(self, call: Call) -> None:
        """A 101 as of a WebSocket server, but to another key."""
        head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        self.wfile.write(head + b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        self.close_connection = True

    def _doubtful(self, call: Call) -> None:
        """Two lengths, or two codings, as the query says."""
        lines = {
            "lengths": b"Content-Length: 2\r\nContent-Length: 5\r\n",
            "both": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            "coding": b"Transfer-Encoding: gzip, chunked\r\n",
        }
        head = lines[self.path.partition("?")[2]]
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n2\r\nxx\r\n0\r\n\r\n")
        self.close_connection = True

    def _strange(self, call: Call) -> None:
        """A head that is no HTTP."""
        heads = {
            "status": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n",
            "control": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Disposition: a\x01b\r\n",
            "length": b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n",
            "underscore": b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n",
            "list": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n",
        }
        self.wfile.write(heads[self.path.partition("?")[2]] + b"\r\n")
        self.close_connection = True

    def _empty(self, call: Call) -> None:
        self._send(b"", status=204)

    def _moved(self, call: Call) -> None:
        self._send(b"", status=302, Location=self.path.partition("?")[2])

    def _redirect(self, call: Call) -> None:
        status, _, location = self.path.partition("?")[2].partition("&")
        self._send(b"", status=int(status), Location=location)

    def log_message(self, *_: Any) -> None:
        """Quiet."""
