"""Second factors as their owners use them: an authenticator app of our own, and the calls of the BFF."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

from auth_api.users.models import TotpDevice
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD
from tests.authenticator import App as App

BROWSER, OTHER_BROWSER = "a" * 64, "b" * 64
EMAIL = "ada@example.com"
NEW_PASSWORD = "nine green bottles on a wall"
Policy = Callable[..., None]  # sets who must have a second factor, as the fixture `policy` does


def login(*, token: str | None = None, browser: str = BROWSER, **changes: Any) -> Any:
    form = {"email": EMAIL, "password": PASSWORD, **changes}
    extra = {"HTTP_GATEHOUSE_CLIENT_BROWSER": browser} if browser else {}
    return call("POST", "/v1/login", form, token=token, **extra)


def signin_token(answer: Any) -> str:
    value: str = answer.cookies["__Host-signin"].value
    return value


def finish(pending: str, code: str, method: str = "totp", *, browser: str = BROWSER) -> Any:
    return _with_pending("/v1/login/factor", {"method": method, "code": code}, pending, browser)


def begin_enrolling(pending: str, *, browser: str = BROWSER) -> Any:
    return _with_pending("/v1/login/enrol", {}, pending, browser)


def finish_enrolling(
    pending: str, code: str, *, name: str = "Telephone", browser: str = BROWSER
) -> Any:
    form = {"code": code, "name": name}
    return _with_pending("/v1/login/enrol/confirm", form, pending, browser)


def _with_pending(path: str, form: Any, pending: str, browser: str) -> Any:
    cookie = f"__Host-signin={pending}"
    return call("POST", path, form, HTTP_COOKIE=cookie, HTTP_GATEHOUSE_CLIENT_BROWSER=browser)


def purpose_of(answer: Any) -> str:
    """Return what the sign-in of `answer` waits for, or "none"."""
    document = answer.json()
    return str(document["pending"]["purpose"]) if "pending" in document else "none"


def secret_of(pending: str) -> App:
    """Begin the enrolment of a sign-in that waits for it; return the app."""
    return App(begin_enrolling(pending).json()["secret"])


def enrol(token: str) -> tuple[App, str]:
    """Add an app to the account of a session; return the app and the session's next token.

    As if an hour ago: the code of the enrolment, which is used up, is none of this minute.
    """
    app = App(call("POST", "/v1/factors/totp", {}, token=token).json()["secret"])
    form = {"code": app.code(), "name": "Telephone"}
    answer = call("POST", "/v1/factors/totp/confirm", form, token=token)
    assert answer.status_code == 200, answer.content
    TotpDevice.objects.filter(name="Telephone").update(last_step=0, drift=0)
    return app, session_token(answer)


def recovery_codes(token: str) -> list[str]:
    codes: list[str] = call("POST", "/v1/factors/recovery-codes", {}, token=token).json()["codes"]
    done = call("POST", "/v1/factors/recovery-codes/confirm", {"code": codes[0]}, token=token)
    assert done.status_code == 204
    return codes


def at_once(work: Callable[[], Any], times: int) -> list[Any]:
    """Return what `work` returns, called `times` times in parallel."""

    def one(_: int) -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))
