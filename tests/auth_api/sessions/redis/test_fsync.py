"""GATEHOUSE_REDIS_FSYNC: what is not on the primary's disk is not answered."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from auth_api.options import options
from auth_api.sessions import services
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.store import SessionStore
from tests.auth_api.http import call
from tests.auth_api.sessions.conftest import is_alive, request_with
from tests.valkey import ValkeyServer

SignIn = Callable[..., SessionStore]


@pytest.fixture(autouse=True)
def _asked_for(settings: Any) -> None:
    settings.GATEHOUSE = replace(options(), redis_fsync=True)


@pytest.fixture
def never_on_disk(server: ValkeyServer) -> Iterator[ValkeyServer]:
    """The store writes its file, and leaves it to the system when that reaches the disk."""
    server.client().config_set("appendfsync", "no")
    yield server
    server.client().config_set("appendfsync", "everysec")


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_what_is_on_disk_is_answered(server: ValkeyServer, sign_in: SignIn, policy: str) -> None:
    server.client().config_set("appendfsync", policy)
    try:
        kept, ended = sign_in().session_key, sign_in().session_key
        server.client().config_resetstat()
        SessionStore(ended).delete()
        assert server.client().info("commandstats")["cmdstat_waitaof"]["calls"] >= 2
    finally:
        server.client().config_set("appendfsync", "everysec")
    assert (is_alive(kept), is_alive(ended)) == (True, False)


def sign_out(token: str, user: Any) -> None:
    services.end_session(request_with(token))


def end_others(token: str, user: Any) -> None:
    services.end_other_sessions(request_with(token))


def end_all(token: str, user: Any) -> None:
    services.end_all_sessions(user)


def renew(token: str, user: Any) -> None:
    services.renew_session(request_with(token), methods=("pwd",))


@pytest.mark.parametrize("act", [sign_out, end_others, end_all, renew])
def test_what_is_not_on_disk_is_not_answered(
    sign_in: SignIn, user: Any, server: ValkeyServer, act: Callable[[str, Any], None]
) -> None:
    token = sign_in().session_key
    server.client().config_set("appendfsync", "no")
    try:
        with pytest.raises(SessionStoreUnavailable):
            act(token, user)
        assert is_alive(token) or act is sign_out  # which may have happened
    finally:
        server.client().config_set("appendfsync", "everysec")


def test_a_sign_out_that_is_not_on_disk_is_unknown(sign_in: SignIn, server: ValkeyServer) -> None:
    token = sign_in().session_key
    server.client().config_set("appendfsync", "no")
    try:
        answer = call("POST", "/v1/logout", {}, token=token)
    finally:
        server.client().config_set("appendfsync", "everysec")
    assert answer.status_code == 503
    assert not answer.cookies


def test_a_store_without_an_aof_is_named_in_the_log(
    sign_in: SignIn, server: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.client().config_set("appendonly", "no")
    try:
        with caplog.at_level(logging.ERROR), pytest.raises(SessionStoreUnavailable):
            sign_in()
    finally:
        server.client().config_set("appendonly", "yes")
    assert "write.not_acknowledged" in caplog.text
    assert "appendonly is disabled" in caplog.text
