"""No secret reaches a log, however deep it is (ASVS 16.2.5)."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from gatehouse.keys import Key
from gatehouse.redaction import redact
from gatehouse.service_token import mint_service_token

SESSION = f"{'A' * 16}.{'b' * 43}"
CSRF = f"{'A' * 22}.{'b' * 22}.{'c' * 43}"
SERVICE = mint_service_token(Key("a1", b"k" * 32), now=0)
MAILED = "/email/verify?token=eyJhb-x:y_z"
SECRETS = [SESSION, CSRF, SERVICE, MAILED]


def shown(**event: Any) -> str:
    return json.dumps(redact(None, "", {"event": "x.y", **event}))


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda secret: f"got {secret}!",
        lambda secret: [f"Bearer {secret}"],
        lambda secret: (1, {"deep": [secret]}),
        lambda secret: {"a": {"b": secret}},
        lambda secret: secret.encode(),
        lambda secret: {secret},
        ValueError,
    ],
)
def test_tokens_are_hidden_wherever_they_are(wrap: Any, secret: str) -> None:
    text = shown(value=wrap(secret))
    assert "[redacted]" in text
    assert not any(part in text for part in (SESSION, CSRF, SERVICE, "eyJhb"))


@pytest.mark.parametrize("secret", [SESSION, CSRF, MAILED])
def test_tokens_are_hidden_in_an_encoded_address(secret: str) -> None:
    for encoded in (secret.replace(".", "%2e"), secret.replace(".", "%252E"), quote(secret)):
        text = shown(path=f"/login?next={encoded}")
        assert not any(part in text for part in ("b" * 22, "eyJhb"))


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "Authorization", "cookie", "SECRET_KEY", "csrfToken", "api_key"],
)
def test_values_with_secret_names_are_hidden_wherever_they_are(name: str) -> None:
    for event in ({name: "hunter2"}, {"detail": {name: "hunter2"}}, {"items": [{name: "hunter2"}]}):
        assert "hunter2" not in shown(**event)


def test_all_else_stays() -> None:
    event = {"event": "x.y", "status": 200, "ok": True, "none": None, "path": "/account"}
    assert redact(None, "", dict(event)) == event
