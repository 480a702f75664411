"""auth_api answers as docs/reference/openapi.yaml says."""

from typing import Any

import pytest
from django.urls import get_resolver
from openapi_spec_validator import validate

from auth_api.users.factors.removal import require_enrolment
from tests.auth_api.factors import BROWSER, App, signin_token
from tests.auth_api.http import call, document_of, session_token
from tests.auth_api.sessions.conftest import PASSWORD
from tests.openapi import DOCUMENT, check_answer

NEW_PASSWORD = "nine green bottles on a wall"
BODY = {"email": "ada@example.com", "password": PASSWORD}


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_every_route_is_in_the_document() -> None:
    routes = {str(route.pattern) for route in get_resolver("auth_api.urls").url_patterns}
    served = {f"/{r}" for r in routes if r.startswith("v1/") and "(" not in r}
    served |= {"/v1/sessions/{handle}", "/v1/factors/{handle}"}
    assert served == {path for path in DOCUMENT["paths"] if path.startswith("/v1/")}


def test_every_call_has_its_twin_at_the_bff() -> None:
    private = {p.removeprefix("/v1") for p in DOCUMENT["paths"] if p.startswith("/v1")}
    private -= {"/identity", "/ready", "/session/data"}  # for the BFF itself
    assert "/.well-known/jwks.json" in DOCUMENT["paths"]
    private -= {"/.well-known/jwks.json"}  # at the root there
    public = {p.removeprefix("/api/auth") for p in DOCUMENT["paths"] if p.startswith("/api")}
    assert public - private == {"/csrf"}
    assert private <= public


def checked(method: str, path: str, body: Any = None, *, shown: str = "", **options: Any) -> Any:
    answer = call(method, shown or path, body, **options)
    if answer.streaming:
        document = document_of(answer)
    else:
        document = answer.json() if answer.content else None
    check_answer(method, path, answer.status_code, document)
    return answer


@pytest.mark.django_db(transaction=True)
def test_real_answers_fit(user: Any) -> None:
    token = session_token(checked("POST", "/v1/login", BODY))
    change = {"changed": {"basket": [1]}, "deleted": []}
    assert checked("PATCH", "/v1/session/data", change, token=token).status_code == 204
    assert checked("GET", "/v1/session", token=token, HTTP_GATEHOUSE_SITE_DATA="1").json()[
        "site_data"
    ]
    handle = checked("GET", "/v1/session", token=token).json()["session"]["handle"]
    checked("GET", "/v1/sessions", token=token)
    assert checked("GET", "/v1/security-events", token=token).json()["items"]
    checked("GET", "/v1/identity", shown="/v1/identity?audience=reports", token=token)
    checked("GET", "/v1/.well-known/jwks.json")
    for path in ("/v1/ready", "/readyz"):
        checked("GET", path)
    token = session_token(
        checked("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token)
    )
    handle = checked("GET", "/v1/session", token=token).json()["session"]["handle"]
    checked("POST", "/v1/sessions/disown", {"token": "x"})
    checked("POST", "/v1/sessions/revoke-others", {}, token=token)
    checked("DELETE", "/v1/sessions/{handle}", shown=f"/v1/sessions/{handle}", token=token)
    token = session_token(checked("POST", "/v1/login", BODY))
    checked("POST", "/v1/sessions/revoke-all", {}, token=token)
    checked("POST", "/v1/logout", {}, token=token)
    checked("POST", "/v1/register", {**BODY, "email": "new@example.com"})
    checked("POST", "/v1/email/verify", {"token": "x", "password": PASSWORD})
    checked("POST", "/v1/email/resend", {"email": "new@example.com"})
    checked("POST", "/v1/email/confirm", {"token": "x"})
    checked("POST", "/v1/email/restore", {"token": "x"})
    checked("POST", "/v1/password/forgot", {"email": BODY["email"]})
    checked("POST", "/v1/password/reset", {"token": "x", "password": PASSWORD})
    for path in ("/v1/session", "/v1/sessions"):
        assert checked("GET", path, token=token).status_code == 401
    checked("POST", "/v1/login", {**BODY, "x": 1})


@pytest.mark.django_db(transaction=True)
def test_real_answers_about_second_factors_fit(user: Any) -> None:
    token = session_token(checked("POST", "/v1/login", BODY))
    app = App(checked("POST", "/v1/factors/totp", {}, token=token).json()["secret"])
    checked("POST", "/v1/factors/totp/confirm", {"code": "000000"}, token=token)
    token = session_token(
        checked("POST", "/v1/factors/totp/confirm", {"code": app.code()}, token=token)
    )
    codes = checked("POST", "/v1/factors/recovery-codes", {}, token=token).json()["codes"]
    checked("POST", "/v1/factors/recovery-codes/confirm", {"code": codes[0]}, token=token)
    [item] = checked("GET", "/v1/factors", token=token).json()["items"]
    one, path = "/v1/factors/{handle}", f"/v1/factors/{item['id']}"
    browser = {"HTTP_GATEHOUSE_CLIENT_BROWSER": BROWSER}
    pending = signin_token(checked("POST", "/v1/login", BODY, **browser))
    cookie = {"HTTP_COOKIE": f"__Host-signin={pending}", **browser}
    for method, code, status in (("totp", "000000", 401), ("recovery", codes[1], 200)):
        form = {"method": method, "code": code}
        assert checked("POST", "/v1/login/factor", form, **cookie).status_code == status
    assert checked("PATCH", one, {"name": "Tablet"}, shown=path, token=token).status_code == 204
    assert checked("DELETE", one, shown=path, token=token).status_code == 403  # a code was used
    require_enrolment(user.pk, reason="lost")
    pending = signin_token(checked("POST", "/v1/login", BODY, **browser))
    cookie = {"HTTP_COOKIE": f"__Host-signin={pending}", **browser}
    new = App(checked("POST", "/v1/login/enrol", {}, **cookie).json()["secret"])
    for code, status in (("000000", 401), (new.code(), 200), (new.code(), 401)):
        answer = checked("POST", "/v1/login/enrol/confirm", {"code": code}, **cookie)
        assert answer.status_code == status


@pytest.mark.django_db(transaction=True)
def test_real_answers_about_ones_account_fit(user: Any) -> None:
    token = session_token(checked("POST", "/v1/login", BODY))
    form = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    changed = checked("POST", "/v1/password/change", form, token=token)
    assert changed.status_code == 200
    token = session_token(changed)
    checked("POST", "/v1/email/change", {"email": "ada@example.org"}, token=token)
    assert checked("GET", "/v1/account/export", token=token).status_code == 200
    assert checked("PATCH", "/v1/account", {"name": "Augusta"}, token=token).status_code == 204
    assert checked("DELETE", "/v1/account", {"email": "x"}, token=token).status_code == 400
    form = {"email": BODY["email"]}
    assert checked("DELETE", "/v1/account", form, token=token).status_code == 202
    pending = checked("POST", "/v1/login", {**BODY, "password": NEW_PASSWORD})
    assert pending.status_code == 403
    keep = {"token": pending.json()["keep_token"]}
    assert checked("POST", "/v1/account/keep", keep).status_code == 200
    assert checked("POST", "/v1/account/keep", keep).status_code == 400
