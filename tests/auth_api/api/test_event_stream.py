"""GET /v1/events: what ended, for the BFF."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest

from auth_api.api import events
from auth_api.options import options
from auth_api.sessions.redis.revocations import CHANNEL, announce_revoked
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stream() -> Iterator[Any]:
    response = call("GET", "/v1/events")
    yield response
    response.close()


def blocks(response: Any) -> Iterator[str]:
    """The events, without the signs of life."""
    return (text for text in map(bytes.decode, response) if not text.startswith(":"))


def test_a_sign_out_is_in_the_stream(stream: Any) -> None:
    make_user("ada@example.com")
    body = {"email": "ada@example.com", "password": PASSWORD}
    answer = call("POST", "/v1/login", body)
    token, handle = session_token(answer), answer.json()["session"]["handle"]
    lines = blocks(stream)
    assert next(lines) == "event: ready\ndata:\n\n"
    call("POST", "/v1/logout", {}, token=token)
    kind, data = next(lines).strip().split("\n")
    assert kind == "event: ended"
    assert json.loads(data.removeprefix("data: ")) == {"ref": token[:16], "handle": handle}


def test_it_is_a_stream_that_nobody_keeps(stream: Any) -> None:
    assert stream["Content-Type"] == "text/event-stream"
    assert stream["Cache-Control"] == "no-store"


def test_without_a_service_token_there_is_none() -> None:
    assert call("GET", "/v1/events", HTTP_AUTHORIZATION="Bearer x").status_code == 401


def test_while_redis_answers_there_are_signs_of_life(stream: Any) -> None:
    assert ":\n\n" in (text.decode() for text in stream)


def test_junk_in_the_channel_stays_one_line(stream: Any, redis_client: Any) -> None:
    lines = blocks(stream)
    next(lines)
    sharded = hasattr(redis_client, "get_primaries")
    redis_client.execute_command(
        "SPUBLISH" if sharded else "PUBLISH", CHANNEL, "a\r\nevent: ready\n\nb"
    )
    assert next(lines) == "event: ended\ndata: a event: ready b\n\n"


def test_streams_are_few_and_give_their_place_back(settings: Any) -> None:
    settings.GATEHOUSE = dataclasses.replace(options(), event_streams=2)
    events._slots.cache_clear()
    try:
        first, second = call("GET", "/v1/events"), call("GET", "/v1/events")
        refused = call("GET", "/v1/events")
        assert (refused.status_code, refused["Retry-After"]) == (503, "2")
        first.close()
        first.close()  # twice gives one place back
        third = call("GET", "/v1/events")
        assert third.status_code == 200
        assert call("GET", "/v1/events").status_code == 503
        second.close()
        third.close()
    finally:
        events._slots.cache_clear()


def test_a_worker_that_stops_ends_its_streams(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(stream)
    next(lines)
    monkeypatch.setattr(events, "is_stopping", lambda: True)
    announce_revoked("r" * 16)
    assert len(list(lines)) <= 1
