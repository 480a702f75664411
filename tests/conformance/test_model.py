"""The engine against a model of it: random clients, random order, time travel.

The model knows nothing of Redis: a session is alive while its clocks, its user and nobody else has
ended it. Time moves in steps of 100 seconds, so that the real seconds of the run change no answer.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

import pytest
from django.contrib.sessions.backends.base import UpdateError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from auth_api.options import options
from auth_api.sessions import services
from auth_api.sessions.exceptions import NoSession, SessionEnded, SessionNotFound
from auth_api.sessions.store import SessionStore
from auth_api.users.models import User
from tests.auth_api.sessions.conftest import request_with
from tests.clock import age_sessions

_number = count()


# Cases that a run must reach: a rule that is never exercised proves nothing.
CASES = (
    "asked alive", "asked dead", "read data", "wrote alive", "wrote dead", "renewed alive", "renewed dead",
    "ended one", "refused to end one", "ended others", "ended all", "listed several",
)  # fmt: skip


@dataclass
class Expected:
    """What the model knows of one session."""

    user: int
    token: str
    handle: str
    remember: bool
    seen: int
    authenticated: int
    ended: bool = False
    data: dict[str, int] = field(default_factory=dict)


@dataclass
class InFlight:
    """A request that has read its session and not answered yet."""

    session: Expected
    token: str
    store: SessionStore

    def age(self, seconds: int) -> None:
        """Move the times that it has read, too: else it would write the later ones back."""
        if (valid := self.store.valid) is None:
            return
        header = valid.record.header
        header = header._replace(
            created_at=header.created_at - seconds,
            authenticated_at=header.authenticated_at - seconds,
        )
        self.store.valid = valid._replace(record=valid.record._replace(header=header))


class Engine(RuleBasedStateMachine):
    """Several users, several browsers each, requests that overlap."""

    sessions = Bundle("sessions")
    client: Any = None
    met: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.now = 0
        self.all: list[Expected] = []
        self.in_flight: list[InFlight] = []
        self.users = [
            User.objects.create(email=f"user{next(_number)}@example.com", email_verified=True)
            for _ in range(2)
        ]

    def alive(self, session: Expected) -> bool:
        limits = options()
        idle, life = limits.session_idle, limits.session_absolute
        if session.remember:
            idle, life = limits.remember_idle, limits.remember_absolute
        in_time = self.now - session.seen < idle and self.now - session.authenticated < life
        return in_time and not session.ended

    def of(self, user: int) -> list[Expected]:
        return [session for session in self.all if session.user == user]

    @initialize(target=sessions, remember=st.booleans())
    def sign_in_twice(self, remember: bool) -> Any:
        return multiple(self.signed_in(0, remember), self.signed_in(0, False))

    @rule(target=sessions, user=st.integers(0, 1), remember=st.booleans())
    def sign_in(self, user: int, remember: bool) -> Expected:
        return self.signed_in(user, remember)

    def signed_in(self, user: int, remember: bool) -> Expected:
        self.users[user].refresh_from_db()
        request = request_with(None)
        current = services.start_session(
            request, self.users[user], remember=remember, methods=("pwd",)
        )
        token, handle = request.session.session_key, current.session.handle
        session = Expected(user, token, handle, remember, self.now, self.now)
        self.all.append(session)
        return session

    @rule(session=sessions, slide=st.booleans())
    def ask(self, session: Expected, slide: bool) -> None:
        if self.alive(session):
            self.met["asked alive"] += 1
            current = services.current_session(request_with(session.token), slide=slide)
            assert current.user["email"] == self.users[session.user].email
            if slide:
                session.seen = self.now
        else:
            self.met["asked dead"] += 1
            with pytest.raises((NoSession, SessionEnded)):
                services.current_session(request_with(session.token), slide=slide)

    @rule(session=sessions)
    def read(self, session: Expected) -> None:
        store = SessionStore(session.token)
        found = {key: value for key, value in store.items() if not key.startswith("_")}
        assert found == (session.data if self.alive(session) else {})
        self.met["read data"] += bool(found)
        if self.alive(session):
            session.seen = self.now

    @rule(
        session=sessions,
        how=st.sampled_from(["write", "renew", "reauthenticate"]),
        key=st.sampled_from("abc"),
        value=st.integers(0, 9),
    )
    def begin_one_and_finish_an_older(
        self, session: Expected, how: str, key: str, value: int
    ) -> None:
        """So each request has read the session before two others and the rules between changed it."""
        store = SessionStore(session.token)
        assert ("_auth_user_id" in store) == self.alive(session)
        if self.alive(session):
            session.seen = self.now
        self.in_flight.append(InFlight(session, session.token, store))
        if len(self.in_flight) > 2:
            self.finish(self.in_flight.pop(0), how, key, value)

    def finish(self, request: InFlight, how: str, key: str, value: int) -> None:
        if request.store.session_key is None:
            return  # it was dead already when the request came
        living = self.alive(request.session) and request.token == request.session.token
        did = "wrote" if how == "write" else "renewed"
        self.met[f"{did} alive" if living else f"{did} dead"] += 1
        if how == "write":
            self.finish_with_a_write(request, key, value, living)
        else:
            self.finish_with_a_new_token(request, how == "reauthenticate", living)

    def finish_with_a_write(self, request: InFlight, key: str, value: int, living: bool) -> None:
        session, store = request.session, request.store
        before = store.get(key)
        store[key] = value
        if living:
            store.save()
            if before != value:
                session.data[key] = value
            self.read(session)
        else:
            with pytest.raises(UpdateError):
                store.save()

    def finish_with_a_new_token(self, request: InFlight, again: bool, living: bool) -> None:
        session, store = request.session, request.store
        if living:
            store.renew(shown=("pwd",) if again else ())
            session.token = store.session_key
            session.handle = services.current_session(
                request_with(session.token), slide=False
            ).session.handle
            session.seen = self.now
            session.authenticated = self.now if again else session.authenticated
        else:
            with pytest.raises(UpdateError):
                store.renew(shown=("pwd",) if again else ())

    @rule(session=sessions)
    def sign_out(self, session: Expected) -> None:
        services.end_session(request_with(session.token))
        session.ended = True

    @rule(mine=sessions, other=sessions)
    def end_one(self, mine: Expected, other: Expected) -> None:
        if not self.alive(mine):
            return
        allowed = mine.user == other.user and self.alive(other)
        mine.seen = self.now
        self.met["ended one" if allowed else "refused to end one"] += 1
        if allowed:
            services.end_session_by_handle(request_with(mine.token), other.handle)
            other.ended = True
        else:
            with pytest.raises(SessionNotFound):
                services.end_session_by_handle(request_with(mine.token), other.handle)

    @rule(session=sessions)
    def end_others(self, session: Expected) -> None:
        if not self.alive(session):
            return
        session.seen = self.now
        others = [s for s in self.of(session.user) if s is not session and self.alive(s)]
        self.met["ended others"] += bool(others)
        assert services.end_other_sessions(request_with(session.token)) == len(others)
        for other in others:
            other.ended = True

    @rule(user=st.integers(0, 1), how=st.sampled_from(["epoch", "activity"]))
    def end_all(self, user: int, how: str) -> None:
        living = [session for session in self.of(user) if self.alive(session)]
        self.met["ended all"] += bool(living)
        if how == "epoch":
            assert services.end_all_sessions(self.users[user]) == len(living)
        else:
            for active in (False, True):
                User.objects.filter(pk=self.users[user].pk).update(is_active=active)
        for session in self.of(user):
            session.ended = True

    @rule(session=sessions)
    def list_them(self, session: Expected) -> None:
        if not self.alive(session):
            return
        session.seen = self.now
        listed = {s.handle for s in services.list_sessions(request_with(session.token))}
        self.met["listed several"] += len(listed) > 1
        assert listed == {s.handle for s in self.of(session.user) if self.alive(s)}

    # Most are short: otherwise most sessions would be over, and those have few cases.
    @rule(steps=st.sampled_from([1, 2, 5, 10, 15, 20, 34, 36, 430, 12_000]))
    def time_passes(self, steps: int) -> None:
        seconds = steps * 100
        age_sessions(self.client, seconds)
        for request in self.in_flight:
            request.age(seconds)
        self.now += seconds


@pytest.mark.django_db(transaction=True)
def test_the_engine_is_its_model(redis_client: Any) -> None:
    """80 runs of at most 40 steps."""
    Engine.client = redis_client
    Engine.met.clear()
    run_state_machine_as_test(
        Engine,
        settings=settings(
            max_examples=80,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert [case for case in CASES if not Engine.met[case]] == []
