"""MLflow: its interface, and an experiment made and found by the API."""

import json
import uuid
from collections.abc import Iterator

import pytest
import requests

from tests.recipes.apps import page_command, python_app, running
from tests.recipes.conftest import Places
from tests.recipes.visitor import Visitor

API = "/mlflow/ajax-api/2.0/mlflow"


@pytest.fixture(scope="module", autouse=True)  # it uses the processor even without requests
def port(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, mine = tmp_path_factory.mktemp("mlflow"), places["mlflow"]
    command = page_command("mlflow", mine)
    address = f"http://localhost:{mine['5000']}/mlflow/"
    with running(command, folder, python_app("mlflow"), address):
        yield mine["5000"]


def test_its_interface(member: Visitor) -> None:
    page = member.open("/mlflow/")
    assert (page.status_code, "<title>MLflow</title>" in page.text) == (200, True)
    script = page.text.partition('src="')[2].partition('"')[0]
    path = script if script.startswith("/") else f"/mlflow/{script}"
    assert member.open(path).status_code == 200, path


def test_an_experiment(member: Visitor) -> None:
    name = f"recipe {uuid.uuid4()}"
    json_ = {"Content_Type": "application/json"}
    made = member.ask("POST", f"{API}/experiments/create", json.dumps({"name": name}), **json_)
    assert made.status_code == 200, made.text
    query = json.dumps({"max_results": 10, "filter": f"name = '{name}'"})
    found = member.ask("POST", f"{API}/experiments/search", query, **json_)
    assert [one["name"] for one in found.json()["experiments"]] == [name]


def test_a_user_without_access_makes_none(outsider: Visitor) -> None:
    refused = outsider.ask(
        "POST", f"{API}/experiments/create", '{"name": "no"}', Content_Type="application/json"
    )
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("site.example", "https://site.example", 200),
        ("site.example", "https://evil.example", 403),
        ("evil.example", "https://site.example", 403),
    ],
)
def test_mlflow_knows_its_public_name(port: str, host: str, origin: str, status: int) -> None:
    """Not through a proxy of these tests, whose name is localhost."""
    answer = requests.post(
        f"http://127.0.0.1:{port}{API}/experiments/create",
        headers={"Host": host, "Origin": origin},
        json={"name": f"recipe {uuid.uuid4()}"},
        timeout=60,
    )
    assert answer.status_code == status, answer.text


def test_a_job_on_the_private_network_reaches_it(port: str) -> None:
    """By the address that the page gives for MLFLOW_TRACKING_URI."""
    answer = requests.post(
        f"http://127.0.0.1:{port}/mlflow/api/2.0/mlflow/experiments/create",
        json={"name": f"recipe {uuid.uuid4()}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
