"""Node-RED: the editor, its comms WebSocket, and a flow that is deployed and answers."""

import json
from collections.abc import Iterator
from functools import partial

import pytest
import websocket

from tests.processes import wait_for
from tests.recipes.apps import node_app, running
from tests.recipes.conftest import Places
from tests.recipes.page import recipes
from tests.recipes.visitor import Visitor

FLOW = [
    {"id": "tab", "type": "tab", "label": "Recipe"},
    {
        "id": "in", "type": "http in", "z": "tab", "url": "/hello", "method": "get",
        "x": 100, "y": 100, "wires": [["say"]],
    },
    {
        "id": "say", "type": "template", "z": "tab", "field": "payload", "fieldType": "msg",
        "syntax": "mustache", "template": "hello from the flow", "x": 300, "y": 100, "wires": [["out"]],
    },
    {"id": "out", "type": "http response", "z": "tab", "x": 500, "y": 100, "wires": []},
]  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def node_red(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder, mine = tmp_path_factory.mktemp("node-red"), places["nodered"]
    (folder / "settings.js").write_text(recipes()["nodered"].block("js", mine))
    commands = node_app("node-red") / "node_modules" / ".bin"
    command = ["node-red", "--userDir", ".", "--settings", "settings.js"]
    with running(command, folder, commands, f"http://127.0.0.1:{mine['1880']}/nodered/"):
        yield


def test_the_editor(member: Visitor) -> None:
    page = member.open("/nodered/")
    assert (page.status_code, "red/red.min.js" in page.text) == (200, True)
    assert member.open("/nodered/red/red.min.js").status_code == 200
    assert member.ask("GET", "/nodered/settings", Accept="application/json").status_code == 200


def test_its_websocket_reports_a_deploy(member: Visitor) -> None:
    comms = member.websocket("/nodered/comms")
    comms.send(json.dumps({"subscribe": "notification/runtime-deploy"}))
    deploy(member)
    topics: set[str] = set()
    while "notification/runtime-deploy" not in topics:
        topics |= {message["topic"] for message in json.loads(comms.recv())}
    comms.close()


def test_a_websocket_of_another_site_is_refused(member: Visitor) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        member.websocket("/nodered/comms", site="cross-site")
    assert refused.value.status_code == 403


def test_a_flow_is_deployed_and_answers(member: Visitor) -> None:
    deploy(member)
    # Node-RED answers a deployment before its flows have started.
    said = partial(member.ask, "GET", "/nodered/hello")
    wait_for(lambda: said().text == "hello from the flow", "the flow to answer")


def test_a_user_without_access_deploys_nothing(outsider: Visitor) -> None:
    refused = outsider.ask(
        "POST", "/nodered/flows", json.dumps(FLOW), Content_Type="application/json"
    )
    assert refused.status_code == 403


def deploy(visitor: Visitor) -> None:
    """Deploy FLOW as the editor does."""
    answer = visitor.ask(
        "POST", "/nodered/flows", json.dumps(FLOW),
        Content_Type="application/json", Node_RED_Deployment_Type="full",
    )  # fmt: skip
    assert answer.status_code in (200, 204), answer.text
