"""Calls to the private port as the BFF makes them, through Django's whole stack."""

import json
from typing import Any

from django.conf import settings
from django.test import Client

from gatehouse.service_token import mint_service_token
from tests.answers import keep

JSON = "application/json"


def call(
    method: str, path: str, body: Any = None, *, token: str | None = None, **headers: Any
) -> Any:
    """Send one call with a good service token; `token` is the session token."""
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    extra = {**call_headers(token), **headers}
    content_type = extra.pop("content_type", JSON)
    client = Client(raise_request_exception=False)
    data = "" if body is None else content
    response = client.generic(method, path, data, content_type=content_type, **extra)
    keep(method, path, response.status_code, b"" if response.streaming else response.content)
    return response


def call_headers(token: str | None) -> dict[str, Any]:
    """Return what the BFF sends with each call, as WSGI names it."""
    extra = {
        "HTTP_AUTHORIZATION": "Bearer " + mint_service_token(settings.GATEHOUSE.service_keys[0]),
        "HTTP_GATEHOUSE_CLIENT_ADDRESS": "203.0.113.7",
    }
    return {**extra, "HTTP_COOKIE": f"__Host-session={token}"} if token else extra


def document_of(response: Any) -> Any:
    """Return the JSON of a streaming answer."""
    return json.loads(b"".join(response.streaming_content))


def session_token(response: Any) -> str:
    """The token in a response's Set-Cookie."""
    value: str = response.cookies["__Host-session"].value
    return value
