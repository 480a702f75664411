"""What cannot work stops auth_api in one line, before a worker starts."""

import socket
from pathlib import Path

import pytest

from tests.auth_api.test_settings import NEEDED
from tests.one_line import start
from tests.ports import free_port

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set. Set it"),
        ({"GATEHOUSE_SESSION_KEYS": "k1:hunter2"}, "GATEHOUSE_SESSION_KEYS must be `<id>:<secret"),
        ({"AUTH_API_WORKERS": "many"}, "AUTH_API_WORKERS must be a whole number from 1 to 256."),
        ({"AUTH_API_BIND": "::1:8001:x"}, "AUTH_API_BIND must be an address or a host name"),
        ({"GATEHOUSE_GRACE": "soon"}, "GATEHOUSE_GRACE must be a duration from 0s to 1h"),
        (
            {"REDIS_URL": "redis+sentinel://:hunter2@h/x"},
            "REDIS_URL: write every address as host:port",
        ),
        ({"GATEHOUSE_ARGON2_MEMORY_KIB": "64"}, "auth_api.E010: "),
        ({"AUTH_API_BIND": "0.0.0.0"}, "auth_api.E007: "),  # noqa: S104 - what is refused
    ],
)
def test_what_cannot_work_is_one_line(tmp_path: Path, changes: dict[str, str], line: str) -> None:
    [printed] = start("auth_api", tmp_path, **{**NEEDED, **changes})
    assert printed.startswith(f"gatehouse: {line}")
    assert "hunter2" not in printed


def test_a_public_address_on_the_command_line_is_refused(tmp_path: Path) -> None:
    """It is not in our settings."""
    [printed] = start("auth_api", tmp_path, "--bind", f"0.0.0.0:{free_port()}", **NEEDED)
    assert printed.startswith(
        "auth_api must not listen on 0.0.0.0, a public address. Set AUTH_API_BIND"
    )


def test_a_public_socket_from_systemd_is_refused(tmp_path: Path) -> None:
    """Its address is in none of our settings either."""
    with socket.create_server(("0.0.0.0", free_port())) as opened:  # noqa: S104 - what is refused
        bind = ("--bind", f"fd://{opened.fileno()}")
        [printed] = start("auth_api", tmp_path, *bind, pass_fds=[opened.fileno()], **NEEDED)
    assert printed.startswith("auth_api must not listen on 0.0.0.0, a public address.")


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    """Also one that another instance shares, as earlier releases did."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port), reuse_port=True):
        [printed] = start("auth_api", tmp_path, **{**NEEDED, "AUTH_API_PORT": str(port)})
    assert printed == (
        f"gatehouse: cannot listen on 127.0.0.1:{port}: address already in use. "
        "Stop the process that uses it, or set AUTH_API_PORT."
    )
