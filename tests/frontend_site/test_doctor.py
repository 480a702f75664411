"""The answer to `manage.py doctor`: for who knows a service key only, and without a secret."""

import time
from base64 import b64decode
from typing import Any

import pytest
from django.conf import settings

from frontend_site.settings.access_rules import parse_access_rules
from gatehouse.doctor import HEADER, LIFETIME, PATH, opened_answer, sign_question
from gatehouse.keys import Key
from gatehouse.service_token import judge_authorization, mint_service_token
from tests.frontend_site.browser import Browser

NAME = HEADER.replace("-", "_")


def question(*, key: Key | None = None, seconds_ago: float = 0) -> str:
    header, _ = sign_question(
        key or settings.GATEHOUSE.service_keys[0], now=time.time() - seconds_ago
    )
    return header


def ask(browser: Browser, header: str, **headers: str) -> Any:
    return browser.get(PATH, **{NAME: header, **headers})


def forged() -> dict[str, str]:
    key = settings.GATEHOUSE.service_keys[0]
    good = question()
    return {
        "nothing": "",
        "garbage": "doctor1.test2.1.2.3",
        "another secret": question(key=Key(key.id, b"another secret of 32 bytes or more")),
        "another key id": question(key=Key("other", key.secret)),
        "a changed time": good.replace(good.split(".")[2], str(int(time.time()) + 1)),
        "a changed nonce": good.replace(good.split(".")[3], "0" * 32),
        "a service token": mint_service_token(key),
    }


@pytest.mark.parametrize("name", forged())
def test_strangers_learn_nothing(browser: Browser, name: str) -> None:
    """Not even that there is something: it is the 404 of any address."""
    answer, other = ask(browser, forged()[name]), browser.get("/auth/nothing-here")
    assert answer.status_code == other.status_code == 404
    shown, usual = answer.json(), other.json()
    assert shown.pop("request_id") != usual.pop("request_id")
    assert shown == usual


@pytest.mark.parametrize("seconds_ago", [-LIFETIME - 5, LIFETIME + 5])
def test_a_question_of_another_time_gets_only_the_time(
    browser: Browser, seconds_ago: float
) -> None:
    answer = ask(browser, question(seconds_ago=seconds_ago))
    assert answer.status_code == 403
    assert answer.json().keys() == {"time"}
    assert abs(answer.json()["time"] - time.time()) < 60


def test_every_key_of_the_site_may_sign(browser: Browser) -> None:
    first, *others = settings.GATEHOUSE.service_keys
    assert others
    for key in (first, *others):
        assert ask(browser, question(key=key)).status_code == 200


def test_the_answer_tells_what_arrived_and_no_secret(browser: Browser, options: Any) -> None:
    rules = parse_access_rules(["/app/=group:ops|group:board", "/open/=signed-in"], ())
    token = "prometheus-may-read-this-0123456789"
    options(proxy_hops=1, metrics_token=token, access_rules=rules)
    header = question()
    chain = "192.0.2.66, 198.51.100.7"
    answer = ask(browser, header, X_Forwarded_For=chain, X_Request_Id="given-by-a-proxy")
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["nonce"] == header.split(".")[3]
    report = opened_answer(answer.json(), settings.GATEHOUSE.service_keys[0])
    assert (report.forwarded_for, report.client_address) == (chain, "198.51.100.7")
    assert (report.request_id, report.proxy_hops) == ("given-by-a-proxy", 1)
    assert report.groups == ["board", "ops"]
    gatehouse = settings.GATEHOUSE
    secrets = [key.secret.decode() for key in (*gatehouse.service_keys, *gatehouse.csrf_keys)]
    for secret in (*secrets, gatehouse.metrics_token, settings.SECRET_KEY):
        assert secret not in str(vars(report))


def test_a_question_that_is_sent_again_shows_nothing_to_who_has_read_it_in_a_log(
    browser: Browser,
) -> None:
    """Its answer is of now, and can be read by who knows the key only."""
    key, header = settings.GATEHOUSE.service_keys[0], question()
    answers = [ask(browser, header).json() for _ in range(2)]
    nonce = header.split(".")[3]
    for answer in answers:
        assert answer.keys() == {"nonce", "report"}
        assert answer["nonce"] == nonce
        report = b64decode(answer["report"])
        assert b"test2" not in report
        assert b"http" not in report
        assert opened_answer(answer, key).public_origin == settings.GATEHOUSE.public_origin
    assert answers[0]["report"] != answers[1]["report"]
    for other in (Key(key.id, b"x" * 32), settings.GATEHOUSE.service_keys[1]):
        with pytest.raises(ValueError, match="no answer"):
            opened_answer(answers[0], other)
    with pytest.raises(ValueError, match="no answer"):
        opened_answer({**answers[0], "nonce": "0" * 32}, key)


def test_weak_secrets_are_named(browser: Browser) -> None:
    """Those of the tests are one letter many times."""
    answer = ask(browser, question()).json()
    found = opened_answer(answer, settings.GATEHOUSE.service_keys[0]).weak_secrets
    assert "GATEHOUSE_SERVICE_KEYS (test2) is not random." in found
    assert "GATEHOUSE_CSRF_KEYS (test1) is not random." in found


def test_a_question_opens_nothing_of_auth_api() -> None:
    keys = settings.GATEHOUSE.service_keys
    assert judge_authorization(f"Bearer {question()}", keys).refusal
    as_token = question().replace("doctor1.", "v1.", 1)
    assert judge_authorization(f"Bearer {as_token}", keys).refusal
