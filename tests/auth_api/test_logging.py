"""One event, one line, no secret (ASVS 16.2.5, 16.4.1)."""

import json
import logging

import pytest
import structlog
from django.conf import settings

from gatehouse.service_token import mint_service_token
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.sessions.conftest import PASSWORD, make_user

LOGIN = {"email": "ada@example.com", "password": PASSWORD}
INJECTED = 'a\r\n{"level":"x"}\x1b[2J\u2028'


@pytest.mark.django_db(transaction=True)
def test_a_day_in_the_life_of_a_user_leaves_no_secret() -> None:
    make_user("ada@example.com")
    service = mint_service_token(settings.GATEHOUSE.service_keys[0])
    with logged() as events:
        token = session_token(call("POST", "/v1/login", LOGIN))
        call("GET", "/v1/session", token=token, HTTP_AUTHORIZATION="Bearer " + service)
        call("POST", "/v1/login", {**LOGIN, "password": "a wrong secret here"})
        call("POST", "/v1/login", LOGIN, HTTP_COOKIE=f"__Host-session={token}; __Host-session=x")
        call("POST", "/v1/register", {"email": "new@example.com", "password": PASSWORD})
        call("POST", "/v1/email/verify", {"token": "a mailed secret"})
        call("POST", "/v1/logout", {}, token=token)
    text = json.dumps(events)
    ref, _, secret = token.partition(".")
    assert {"login.succeeded", "login.failed", "session.ended"} <= set(names_of(events))
    for hidden in (secret, PASSWORD, "a wrong secret here", "a mailed secret", service):
        assert hidden not in text
    assert ref not in text


def test_secrets_are_hidden_by_name_and_by_look_wherever_they_stand() -> None:
    token = "A" * 16 + "." + "b" * 43
    service = mint_service_token(settings.GATEHOUSE.service_keys[0])
    with logged() as events:
        log = structlog.get_logger("auth_api")
        log.info(
            "x.y",
            cookie="the-first-secret",
            nested={
                "Authorization": "the-second-secret",
                "deep": [{"password": "the-third-secret"}],
            },
        )
        log.info("x.y", path=f"/a/{token}", raw=token.encode(), headers=[f"Bearer {service}"])
        logging.getLogger("stranger").warning("a cookie: %s", token)
        try:
            raise ValueError(token)
        except ValueError:
            log.exception("x.failed")
    text = json.dumps(events)
    assert len(events) == 4
    for hidden in ("the-first-secret", "the-second-secret", "the-third-secret", token, service):
        assert hidden not in text


def test_what_a_client_sent_cannot_start_a_line() -> None:
    with logged() as events:
        structlog.get_logger("auth_api").warning("login.failed", email=INJECTED)
        logging.getLogger("stranger").warning("path %s", INJECTED)
    assert len(events) == 2
    assert all("level" in event for event in events)
