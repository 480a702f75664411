"""JupyterLab: a kernel that computes, over its WebSocket."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import websocket

from tests.recipes.apps import page_command, python_app, running
from tests.recipes.conftest import Places
from tests.recipes.visitor import Visitor


@pytest.fixture(scope="session", autouse=True)
def port(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, mine = tmp_path_factory.mktemp("jupyter"), places["jupyter"]
    command = page_command("jupyter", mine)
    if "--allow-root" not in command:
        command.append("--allow-root")  # CI may be root
    address = f"http://localhost:{mine['8888']}/jupyter/api"
    with running(command, folder, python_app("jupyterlab"), address):
        yield mine["8888"]


@pytest.fixture
def kernel(member: Visitor) -> Iterator[str]:
    """The path of a kernel's API."""
    assert member.open("/jupyter/lab").status_code == 200  # it sets the XSRF cookie
    made = member.ask("POST", "/jupyter/api/kernels", "{}", X_XSRFToken=member.cookies["_xsrf"])
    assert made.status_code == 201, made.text
    path = f"/jupyter/api/kernels/{made.json()['id']}"
    yield path
    member.ask("DELETE", path, X_XSRFToken=member.cookies["_xsrf"])


def test_a_kernel_computes(member: Visitor, kernel: str) -> None:
    channels = member.websocket(f"{kernel}/channels?session_id={uuid.uuid4().hex}")
    channels.send(json.dumps(execution("1+1")))
    assert result(channels) == "2"
    channels.close()


def test_a_websocket_of_another_site_reaches_no_kernel(member: Visitor, kernel: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        member.websocket(f"{kernel}/channels", site="cross-site")
    assert refused.value.status_code == 403


def test_without_its_xsrf_token_jupyter_starts_nothing(member: Visitor) -> None:
    assert member.open("/jupyter/lab").status_code == 200
    assert member.ask("POST", "/jupyter/api/kernels", "{}").status_code == 403


def test_a_user_without_access_gets_no_terminal(outsider: Visitor) -> None:
    assert outsider.ask("POST", "/jupyter/api/terminals", "{}").status_code == 403
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        outsider.websocket("/jupyter/terminals/websocket/1")
    assert refused.value.status_code == 403


def test_files_are_saved_and_read(member: Visitor) -> None:
    assert member.open("/jupyter/lab").status_code == 200
    path, token = "/jupyter/api/contents/a%20note.txt", member.cookies["_xsrf"]
    note = json.dumps({"type": "file", "format": "text", "content": "hello"})
    saved = member.ask("PUT", path, note, X_XSRFToken=token)
    assert saved.status_code in (200, 201), saved.text
    assert member.ask("GET", path).json()["content"] == "hello"


def test_jupyter_refuses_other_hosts(port: str) -> None:
    lie = requests.get(
        f"http://127.0.0.1:{port}/jupyter/api/contents",
        headers={"Host": "evil.example"},
        timeout=60,
    )
    assert lie.status_code == 403


def execution(code: str) -> dict[str, Any]:
    """An execute_request of Jupyter's messaging protocol."""
    header = {
        "msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": uuid.uuid4().hex,
        "username": "", "version": "5.3", "date": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}}
    empty: dict[str, Any] = {"parent_header": {}, "metadata": {}, "buffers": []}
    return {"channel": "shell", "header": header, "content": content, **empty}


def result(channels: websocket.WebSocket) -> str:
    """Return the text of the next execute_result."""
    while True:
        message = json.loads(channels.recv())
        if message["msg_type"] == "execute_result":
            return str(message["content"]["data"]["text/plain"])
