"""What counts as a try of a code, and how many there are, over HTTP as the BFF calls."""

from dataclasses import replace
from typing import Any

import pytest

from auth_api.tries import FREE_TRIES
from gatehouse.keys import Key
from tests.auth_api.factors import (
    App,
    finish,
    login,
    recovery_codes,
    signin_token,
)
from tests.auth_api.http import call
from tests.auth_api.mails import sent_mails
from tests.auth_api.outages import no_database, no_store

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "urn:gatehouse:problem:"


def test_codes_have_one_counter_over_all_doors(before: str, enrolled: tuple[App, str]) -> None:
    """Keycloak usd-2021-0016, Kanboard #5859, ZITADEL GHSA-7j7j-66cv-m239."""
    wrong = {"method": "totp", "code": "000000"}
    for _ in range(FREE_TRIES - 2):
        assert call("POST", "/v1/reauthenticate", wrong, token=before).status_code == 401
    for _ in range(2):  # the right password clears no codes
        assert finish(signin_token(login()), "000000").status_code == 401
    assert call("POST", "/v1/reauthenticate", wrong, token=before).status_code == 429
    throttled = finish(signin_token(login()), enrolled[0].code())
    assert throttled.status_code == 429
    assert int(throttled["Retry-After"]) <= 30


def test_a_throttled_code_costs_no_try(enrolled: tuple[App, str], redis_client: Any) -> None:
    pending = signin_token(login())
    for _ in range(FREE_TRIES // 2):
        finish(signin_token(login()), "000000")
        finish(signin_token(login()), "000000")
    assert [finish(pending, "000000").status_code for _ in range(8)] == [429] * 8
    redis_client.delete(*redis_client.keys("gh:throttle:*"))
    assert finish(pending, enrolled[0].code()).status_code == 200


def test_after_a_hundred_failures_only_a_recovery_code_signs_in(
    enrolled: tuple[App, str], redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SP 800-63B-4, 3.2.2."""
    codes = recovery_codes(enrolled[1])
    monkeypatch.setattr("auth_api.code_throttling.CODE_TRIES", 3)
    for _ in range(3):
        finish(signin_token(login()), "000000")
    redis_client.delete(*redis_client.keys("gh:throttle:*:tries"))  # a day has passed
    assert finish(signin_token(login()), enrolled[0].code()).status_code == 429
    assert finish(signin_token(login()), codes[1], "recovery").status_code == 200
    assert finish(signin_token(login()), enrolled[0].code()).status_code == 200


@pytest.mark.parametrize(
    "step", ["flows.second_step.User.objects.filter", "factors.checking._use_totp"]
)
def test_an_outage_of_the_database_costs_no_try(
    enrolled: tuple[App, str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    pending = signin_token(login())
    with monkeypatch.context() as patch:
        patch.setattr(f"auth_api.users.{step}", no_database)
        for _ in range(FREE_TRIES + 2):
            assert finish(pending, "123456").status_code == 503
    assert finish(pending, enrolled[0].code()).status_code == 200


def test_a_wrong_code_stays_judged_when_its_failure_cannot_be_counted(
    enrolled: tuple[App, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = signin_token(login())
    monkeypatch.setattr("auth_api.code_throttling.CodeThrottle.fail", no_store)
    answers = [finish(pending, "000000") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 6
    assert answers[-1].json()["type"] == KIND + "sign-in-expired"


def test_a_missing_key_is_no_wrong_code(
    enrolled: tuple[App, str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = recovery_codes(enrolled[1])
    old, pending = settings.GATEHOUSE, signin_token(login())
    settings.GATEHOUSE = replace(old, factor_keys=(Key("k9", b"9" * 32),))
    for _ in range(FREE_TRIES + 2):
        answer = finish(pending, enrolled[0].code())
        assert (answer.status_code, answer.json()["type"]) == (503, KIND + "factor-unavailable")
    settings.GATEHOUSE = old
    assert finish(pending, codes[1], "recovery").status_code == 200
    assert "wrong code" not in " ".join(mail.subject for mail in sent_mails())
