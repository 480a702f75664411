"""A taken address is found before a service starts, whatever holds it."""

import socket
from contextlib import closing
from pathlib import Path

import pytest

from gatehouse.listening import problem_of
from tests.ports import free_port

TAKEN = "address already in use"


def listening(host: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, reuse_port=shared)


def test_a_free_address_has_no_problem() -> None:
    port = free_port()
    for host in ("127.0.0.1", "0.0.0.0", "localhost", "::1", "::"):  # noqa: S104 - nobody listens
        assert problem_of((host, port)) == ""


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "localhost"),
        ("127.0.0.1", "0.0.0.0"),  # noqa: S104 - refused
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - for a moment
        ("127.0.0.1", "::"),
        ("::1", "::1"),
        ("::1", "::"),
        ("::", "::1"),
    ],
)
@pytest.mark.parametrize("shared", [False, True])
def test_a_taken_address_is_found(theirs: str, ours: str, shared: bool) -> None:
    """`shared`: by SO_REUSEPORT, as earlier releases did."""
    port = free_port()
    with closing(listening(theirs, port, shared=shared)):
        assert problem_of((ours, port)) == TAKEN
    assert problem_of((ours, port)) == ""


def test_neighbours_that_do_not_meet_are_free() -> None:
    port = free_port()
    with closing(listening("127.0.0.1", port)):
        assert problem_of(("127.0.0.2", port)) == problem_of(("::1", port)) == ""


def test_an_address_of_another_host_is_found() -> None:
    assert problem_of(("192.0.2.1", free_port())) == "cannot assign requested address"


def test_a_unix_socket_is_taken_while_somebody_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    assert problem_of(path) == ""
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(path)
        theirs.listen()
        assert problem_of(path) == "another process is listening there"
    assert problem_of(path) == ""  # gunicorn removes what is left
