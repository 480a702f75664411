"""By invitation only, on the real services: from a closed door to an app that is for a group."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.processes import JsonClient, Stack

PASSWORD = "a quiet harbour at dusk"
RULES = "/wiki/=signed-in,/jupyter/=group:ops"
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "X-Forwarded-Method": "POST"}


@pytest.fixture(scope="module")
def site() -> Iterator[Stack]:
    settings = {"GATEHOUSE_REGISTRATION": "invite", "GATEHOUSE_MAIL_DOMAINS": "example.com"}
    with Stack(GATEHOUSE_ACCESS_RULES=RULES, **settings) as running:
        running.manage(
            "shell", "-c", "from django.contrib.auth.models import Group; Group(name='ops').save()"
        )
        yield running


def verify(client: JsonClient, path: str) -> int:
    headers = {**FETCH, "X-Forwarded-Uri": path}
    return client.get("/auth/verify?audience=app&claims=groups", **headers).status_code


def test_nobody_comes_in_without_an_invitation(site: Stack) -> None:
    client = JsonClient(site.address)
    form = {"email": "eve@example.com", "password": PASSWORD}
    answer = client.post("/api/auth/register", form)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:gatehouse:problem:registration-closed"
    page = client.get("/register")
    assert (page.status_code, "You need an invitation" in page.text) == (403, True)
    assert "/register" not in client.get("/login").text
    assert client.login("eve@example.com", PASSWORD).status_code == 401


def test_an_invitation_leads_to_an_account_in_its_groups(site: Stack) -> None:
    client = JsonClient(site.address)
    site.manage("invite", "--email", "ada@example.com", "--group", "ops")
    link = urlsplit(site.mailed_link("ada@example.com"))
    assert client.get(f"{link.path}?{link.query}").status_code == 200  # opening it changes nothing
    form = {"token": parse_qs(link.query)["token"][0], "password": PASSWORD, "name": "Ada"}
    assert client.post("/api/auth/invitations/accept", form).status_code == 200
    again = client.post("/api/auth/invitations/accept", form)
    assert again.json()["type"] == "urn:gatehouse:problem:invalid-token"
    assert client.login("ada@example.com", PASSWORD).status_code == 200
    assert client.get("/api/auth/session").json()["user"]["groups"] == ["ops"]
    assert verify(client, "/jupyter/api/terminals") == 204
    move = {"email": "ada@example.org"}
    assert client.post("/api/auth/email/change", move).status_code == 400


def test_whoever_is_in_no_group_opens_no_terminal(site: Stack) -> None:
    client = JsonClient(site.address)
    client.login("bob@example.com", site.make_user("bob@example.com"))
    assert verify(client, "/wiki/page") == 204
    for path in ("/jupyter/api/terminals", "/wiki/%2e%2e/jupyter/api/terminals", "/account", "/"):
        assert verify(client, path) == 403
    line = {**FETCH, "X-Forwarded-Uri": "/wiki/", "X_Forwarded_Uri": "/jupyter/"}
    assert client.get("/auth/verify?audience=app", **line).status_code in (
        204,
        400,
    )  # never /jupyter/
    line = {**FETCH, "X-Forwarded-Uri": "/jupyter/", "X_Forwarded_Uri": "/wiki/"}
    assert client.get("/auth/verify?audience=app", **line).status_code in (403, 400)


def test_a_revoked_invitation_opens_nothing(site: Stack) -> None:
    client = JsonClient(site.address)
    site.manage("invite", "--email", "joe@example.com")
    query = urlsplit(site.mailed_link("joe@example.com")).query
    site.manage("invite", "--email", "joe@example.com", "--revoke")
    form = {"token": parse_qs(query)["token"][0], "password": PASSWORD}
    answer = client.post("/api/auth/invitations/accept", form)
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-token"
