"""Service tokens: the agreed form, reused until shortly before their end."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from frontend_site.service_token import LIFETIME, ServiceTokens, mint_service_token
from frontend_site.settings.env import Key

KEY = Key("test1", b"k" * 40)


def test_the_token_has_the_agreed_form() -> None:
    version, key_id, expiry, mac = mint_service_token(KEY, now=1000.9).split(".")
    digest = hmac.new(KEY.secret, b"v1.test1.1060", hashlib.sha256).digest()
    assert (version, key_id, expiry) == ("v1", "test1", "1060")
    assert mac == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    now = [5000.0]
    monkeypatch.setattr("frontend_site.service_token.time.time", lambda: now[0])
    return now


def test_a_token_is_reused_until_shortly_before_its_end(clock: Any) -> None:
    tokens = ServiceTokens(KEY)
    first = tokens.current()
    clock[0] += LIFETIME - 16
    assert tokens.current() == first
    clock[0] += 1
    assert tokens.current() != first


def test_a_clock_that_is_set_back_brings_a_new_token(clock: Any) -> None:
    tokens = ServiceTokens(KEY)
    tokens.current()
    clock[0] -= 3600
    assert int(tokens.current().split(".")[2]) <= clock[0] + LIFETIME
