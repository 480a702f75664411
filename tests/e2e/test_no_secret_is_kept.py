"""A day in the life of an account with a second factor; then nothing that was secret is found where it is stored.

Searched: the logs of all services, all keys and values of Redis, every row of the database (mails that wait
among them) and the bytes of its files.
"""

import re
import sqlite3
from base64 import b32decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import requests

from tests.authenticator import App
from tests.processes import JsonClient, Stack, wait_for
from tests.store_contents import stored_keys

EMAIL = "day@example.com"
NEW_PASSWORD = "an umbrella by the canal"
WRONG_PASSWORD = "a kettle on the moon"
RESET = "Set a new password"


class Day:
    """What somebody does in a day; `secrets` by name, and the `codes` that were typed."""

    def __init__(self, stack: Stack, password: str) -> None:
        self.stack, self.client = stack, JsonClient(stack.address)
        self.password = password
        self.codes: list[str] = []
        self.secrets = {"password": password, "new": NEW_PASSWORD, "wrong": WRONG_PASSWORD}

    def enrol(self) -> App:
        secret = self._done("factors/totp")["secret"]
        self.secrets[f"seed {secret[:4]}"] = secret
        app = App(secret)
        self._done("factors/totp/confirm", code=self._typed(app.code()), name="Telephone")
        return app

    def make_recovery_codes(self) -> list[str]:
        codes: list[str] = self._done("factors/recovery-codes")["codes"]
        self.secrets |= {f"recovery code {code[:4]}": code for code in codes}
        self._done("factors/recovery-codes/confirm", code=codes[0])
        return codes

    def sign_in(self, method: str, code: str, *, wrong: str = "") -> None:
        self._done("logout")
        assert self.client.login(EMAIL, WRONG_PASSWORD).status_code == 401
        answer = self.client.login(EMAIL, self.password)
        assert "pending" in answer.json()
        self._note_tokens()
        if wrong:
            form = {"method": method, "code": self._typed(wrong)}
            assert self.client.post("/api/auth/login/factor", form).status_code == 401
        self._done("login/factor", method=method, code=self._typed(code))

    def step_up(self, **proof: str) -> None:
        self._done("reauthenticate", **proof)

    def remove_the_app(self) -> None:
        [item] = self.client.get("/api/auth/factors").json()["items"]
        headers = {"X-CSRF-Token": self.client.csrf(), "Content-Type": "application/json"}
        cookie = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        gone = requests.delete(
            f"{self.stack.address}/api/auth/factors/{item['id']}",
            headers={**headers, "Cookie": cookie}, data="{}", timeout=20,
        )  # fmt: skip
        assert gone.status_code == 204

    def reset_the_password(self) -> None:
        before = len(self.stack.mailbox.mails)
        self._done("password/forgot", email=EMAIL)
        token = self.stack.mailbox.wait_for(EMAIL, RESET, after=before).token
        self.secrets["mailed token"] = token
        self._done("password/reset", token=token, password=NEW_PASSWORD)
        self.password = NEW_PASSWORD

    def _done(self, path: str, **form: str) -> Any:
        answer = self.client.post(f"/api/auth/{path}", form)
        assert answer.status_code in (200, 202, 204), answer.text
        self._note_tokens()
        return answer.json() if answer.content else None

    def _typed(self, code: str) -> str:
        if code.isdecimal():
            self.codes.append(code)
        return code

    def _note_tokens(self) -> None:
        """A session's token begins with its public reference, the secret follows it."""
        for name, value in self.client.cookies.items():
            secret = value.partition(".")[2] if value.count(".") == 1 else value
            if secret.strip('"'):  # an expired cookie has the value ""
                self.secrets[f"{name} {len(self.secrets)}"] = secret


@pytest.fixture(scope="module")
def day(stack: Stack) -> Iterator[Day]:
    day = Day(stack, stack.make_user(EMAIL, "--name", "Ada"))
    assert day.client.login(EMAIL, day.password).status_code == 200
    app = day.enrol()
    day.make_recovery_codes()
    day.sign_in("totp", app.code(1), wrong=unlike(app))
    day.step_up(password=day.password)
    day.remove_the_app()
    app = day.enrol()
    codes = day.make_recovery_codes()
    day.sign_in("recovery", codes[3])
    day.reset_the_password()
    assert day.client.login(EMAIL, day.password).status_code == 200
    day.sign_in("totp", app.code(1))
    day.secrets["a seed that waits"] = day._done("factors/totp")["secret"]
    other = JsonClient(stack.address)
    assert "pending" in other.login(EMAIL, day.password).json()  # and stays so
    day.secrets["pending"] = other.cookies["__Host-signin"].partition(".")[2]
    day.secrets |= {name: value.rpartition(":")[2] for name, value in stack.secrets.items()}
    with waiting_mail(stack):
        yield day


@contextmanager
def waiting_mail(stack: Stack) -> Iterator[None]:
    """A mail with a link that cannot be delivered, so that its row stays."""
    stack.mailbox.refuse = "451 try later"
    try:
        client = JsonClient(stack.address)
        assert client.post("/api/auth/password/forgot", {"email": EMAIL}).status_code == 202
        wait_for(lambda: RESET in database_dump(stack), "a mail that waits")
        yield
    finally:
        stack.mailbox.refuse = ""


def unlike(app: App) -> str:
    """A code that is none of the app's now."""
    good = {app.code(ahead) for ahead in range(-2, 4)}
    return next(code for code in ("918273", "817263", "736455") if code not in good)


def database_dump(stack: Stack) -> str:
    with closing(sqlite3.connect(stack.folder / "users.sqlite3")) as connection:
        return "\n".join(connection.iterdump())


def database_files(stack: Stack) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(stack.folder.glob("users.sqlite3*")))


def redis_dump(stack: Stack) -> bytes:
    """Every key and value, as their bytes."""
    client = stack.valkey.client()
    pieces: list[bytes] = []
    for key in stored_keys(client):
        kind = client.type(key)
        read = {
            b"string": lambda k: [client.get(k)],
            b"zset": lambda k: client.zrange(k, 0, -1),
            b"hash": lambda k: [part for pair in client.hgetall(k).items() for part in pair],
            b"set": lambda k: list(client.smembers(k)),
            b"list": lambda k: client.lrange(k, 0, -1),
        }[kind]
        pieces += [key, *(value for value in read(key) if value)]
    return b"\n".join(pieces)


def places(stack: Stack) -> dict[str, bytes]:
    return {
        "logs": stack.logs().encode(),
        "Redis": redis_dump(stack),
        "database": database_dump(stack).encode() + database_files(stack),
    }


def spellings(secret: str) -> set[bytes]:
    """A secret as it was shown, and as somebody may have stored it."""
    plain = secret.replace("-", "")
    found = {secret, plain, plain.lower(), secret.encode().hex(), plain.encode().hex()}
    texts = {text.encode() for text in found} | {b64encode(secret.encode())}
    if re.fullmatch("[A-Z2-7]{32}", secret):  # a TOTP seed
        raw = b32decode(secret)
        texts |= {raw, raw.hex().encode(), b64encode(raw), urlsafe_b64encode(raw)}
    return texts


def found_in(text: bytes, secrets: dict[str, str], codes: list[str]) -> list[str]:
    """Return the names of the secrets, and the codes, that `text` contains."""
    names = [name for name, secret in secrets.items() if any(s in text for s in spellings(secret))]
    # Six digits alone, not as a part of a longer number or of a time.
    return names + [c for c in codes if re.search(rb"(?<![\w.])%b(?![\w.])" % c.encode(), text)]


def test_no_secret_is_found_where_it_is_stored(day: Day) -> None:
    assert len(day.codes) == 5
    for name, text in places(day.stack).items():
        assert found_in(text, day.secrets, day.codes) == [], name


def test_the_search_finds_what_is_there(day: Day) -> None:
    """So that finding nothing above means something."""
    searched = places(day.stack)
    user = day.client.get("/api/auth/session").json()["user"]["id"]
    assert user.encode() in searched["logs"]
    assert day.client.cookies["__Host-session"].partition(".")[0].encode() in searched["Redis"]
    assert EMAIL.encode() in searched["database"]
    assert RESET.encode() in searched["database"]
    seed = next(secret for name, secret in day.secrets.items() if name.startswith("seed"))
    for planted in (seed, b32decode(seed).hex(), f'"code": "{day.codes[0]}"'):
        assert found_in(b"x" + planted.encode() + b"x", day.secrets, day.codes)
    assert found_in(b"x" + b32decode(seed), day.secrets, [])
