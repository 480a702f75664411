"""An intruder who knows the password, and the mailed links that the owner uses against them."""

from typing import Any

from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD
from tests.auth_api.users.flows.test_devices import ELSEWHERE, IPHONE, LINUX

OWN, STRANGE, STRANGER = "ada@example.com", "mallory@example.org", "second@example.org"
NEW = "nine green bottles on a wall"
LAPTOP = (LINUX.format(156), "192.0.2.1")  # another device and network of the stranger


class Stranger:
    """Someone who knows the password, with their own device and network."""

    def __init__(self, agent: str = IPHONE, address: str = ELSEWHERE) -> None:
        self.headers = {
            "HTTP_GATEHOUSE_CLIENT_USER_AGENT": agent,
            "HTTP_GATEHOUSE_CLIENT_ADDRESS": address,
        }
        self.token = ""

    def post(self, path: str, form: dict[str, Any]) -> Any:
        return call("POST", path, form, token=self.token, **self.headers)

    def sign_in(self, email: str = OWN, password: str = PASSWORD) -> "Stranger":
        answer = self.post("/v1/login", {"email": email, "password": password})
        assert answer.status_code == 200, answer.content
        self.token = session_token(answer)
        return self

    def move_to(self, email: str) -> None:
        assert self.post("/v1/email/change", {"email": email}).status_code == 202
        answer = self.post("/v1/email/confirm", {"token": mailed_token(email)})
        assert answer.status_code == 200, answer.content

    def change_password(self, password: str = NEW) -> None:
        form = {"current_password": PASSWORD, "new_password": password}
        answer = self.post("/v1/password/change", form)
        assert answer.status_code == 200, answer.content
        self.token = session_token(answer)

    @property
    def is_in(self) -> bool:
        return bool(call("GET", "/v1/session", token=self.token).status_code == 200)


def disown(token: str) -> int:
    return int(call("POST", "/v1/sessions/disown", {"token": token}).status_code)


def restore(token: str) -> int:
    return int(call("POST", "/v1/email/restore", {"token": token}).status_code)


def reset_by_mail(email: str, password: str) -> int:
    call("POST", "/v1/password/forgot", {"email": email})
    form = {"token": mailed_token(email), "password": password}
    return int(call("POST", "/v1/password/reset", form).status_code)


def can_sign_in(email: str, password: str) -> bool:
    form = {"email": email, "password": password}
    return bool(call("POST", "/v1/login", form).status_code == 200)


def assert_owner_has_it_back(user: User) -> None:
    """The account has its own address, nobody is signed in, and the owner can reset the password."""
    user.refresh_from_db()
    assert user.email == OWN
    assert not user.has_usable_password()
    form = {"token": mailed_token(OWN), "password": "the owner's own new password"}
    assert call("POST", "/v1/password/reset", form).status_code == 200
    assert can_sign_in(OWN, "the owner's own new password")


def mails_to(email: str, since: int = 0) -> list[str]:
    return [message.subject for message in sent_mails()[since:] if message.to == [email]]
