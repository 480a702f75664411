"""Four session engines behind one small face: ours, and Django's cache, cached_db and db.

What each offers is used as its own documentation says: Django's `auth.login`, `logout`, `flush`,
`cycle_key`, deleting a row or key, `update_session_auth_hash` after a change of password.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from unittest import mock

from django.contrib import auth
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.test import RequestFactory

from auth_api.sessions import services
from auth_api.sessions.store import SessionStore

DJANGOS = ("cache", "cached_db", "db")
OURS = "Gatehouse"


@dataclass(frozen=True)
class Engine:
    """One engine by name, and how its sessions are opened."""

    name: str
    open: Callable[[str | None], Any]


def engines() -> list[Engine]:
    """Ours first."""
    modules = {name: import_module(f"django.contrib.sessions.backends.{name}") for name in DJANGOS}
    theirs = [Engine(name, module.SessionStore) for name, module in modules.items()]
    return [Engine(OURS, SessionStore), *theirs]


def sign_in(engine: Engine, user: Any) -> str:
    """Sign `user` in by Django's own `login`; return the session key."""
    request = _request(engine, None)
    auth.login(request, user, backend="auth_api.users.backends.EmailBackend")
    request.session.save()
    key: str = request.session.session_key
    return key


def is_alive(engine: Engine, key: str | None) -> bool:
    """Whether a request with this key is somebody's, by Django's own `get_user`."""
    return bool(auth.get_user(_request(engine, key)).is_authenticated)


def in_flight(engine: Engine, key: str) -> Any:
    """A session as a request holds it that has been authenticated and not answered yet."""
    request = _request(engine, key)
    if not auth.get_user(request).is_authenticated:
        raise LookupError("the session was dead before the race")
    return request.session


def _request(engine: Engine, key: str | None) -> Any:
    request = RequestFactory().get("/")
    request.session = engine.open(key)
    return request


# -- how a session ends -------------------------------------------------------------------------


def logout(engine: Engine, key: str, user: Any) -> None:
    auth.logout(_request(engine, key))


def revoke_one(engine: Engine, key: str, user: Any) -> None:
    engine.open(None).delete(key)


def rotation(engine: Engine, key: str, user: Any) -> None:
    session = in_flight(engine, key)
    session.cycle_key()
    session.save()


def login_elsewhere(engine: Engine, key: str, user: Any) -> None:
    """Somebody else signs in at the same browser."""
    request = _request(engine, key)
    other = type(user).objects.create(email="other@example.com", email_verified=True)
    auth.login(request, other, backend="auth_api.users.backends.EmailBackend")
    request.session.save()


def end_all(engine: Engine, key: str, user: Any) -> None:
    """Ours raises the epoch; Django has no such thing, so the known keys are deleted."""
    if engine.name == OURS:
        services.end_all_sessions(user)
    else:
        engine.open(None).delete(key)


def password_change(engine: Engine, key: str, user: Any) -> None:
    user.set_password("another quiet harbour at dawn")
    user.save()


def deactivation(engine: Engine, key: str, user: Any) -> None:
    user.is_active = False
    user.save()


ENDS = {
    "sign out": logout,
    "ending one from a list": revoke_one,
    "new token (cycle_key)": rotation,
    "login as somebody else": login_elsewhere,
    "ending all": end_all,
    "password change": password_change,
    "deactivation": deactivation,
}


# -- what the request in flight does, and when the end falls ---------------------------------------


def save_a_key(session: Any, end: Callable[[], None]) -> None:
    end()
    session["late"] = 1
    session.save()


def save_unchanged(session: Any, end: Callable[[], None]) -> None:
    """As SESSION_SAVE_EVERY_REQUEST does, to slide the expiry."""
    end()
    session.save()


def new_token(session: Any, end: Callable[[], None]) -> None:
    end()
    session.cycle_key()
    session.save()


def save_while_it_ends(session: Any, end: Callable[[], None]) -> None:
    """The end falls inside `save()`: after the engine's last look at the store, before its write.

    An engine whose save is one step has no such moment; there the end comes first.
    """
    session["late"] = 1
    cache = getattr(session, "_cache", None)
    if cache is None:
        end()
        session.save()
        return
    write = cache.set
    ended: list[bool] = []

    def set_after_the_end(*arguments: Any, **options: Any) -> Any:
        if not ended:  # the end itself may write
            ended.append(True)
            end()
        return write(*arguments, **options)

    with mock.patch.object(cache, "set", set_after_the_end):
        session.save()


WRITES = {
    "writes a key": save_a_key,
    "writes a key, and the end falls inside its save": save_while_it_ends,
    "slides": save_unchanged,
    "renews": new_token,
}


def survives(engine: Engine, user: Any, end: Any, write: Any) -> bool:
    """Whether an ended session opens again after a request in flight has written."""
    key = sign_in(engine, user)
    session = in_flight(engine, key)
    with suppress(UpdateError, SessionInterrupted):
        write(session, lambda: end(engine, key, user))
    return is_alive(engine, key) or is_alive(engine, session.session_key)
