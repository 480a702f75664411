"""One user with several browsers, one act at a time, so that it knows what every answer must be."""

import random
import secrets
import threading
import time
from dataclasses import dataclass

from .known import Finding, Kind, Session, State, Tally
from .site import CSRF, SESSION, Answer, Site

_POCKET = 8  # browsers that are signed in at once
_WATCHED = 3  # browsers of a watcher
_AGAIN = 12  # ended sessions that are looked at again and again
_PAUSE = 0.02  # seconds after a call without an answer
PAGES = ("/api/auth/session", "/account")


@dataclass
class Doubt:
    """An end of all sessions that was asked for and not acknowledged: all older sessions may be over."""

    what: str
    asked: float
    password: str = ""  # that may be set now


class Client(threading.Thread):
    """Acts until `stopping` is set, and notes each contradiction in its tally.

    A watcher signs in and then only looks: no slow act keeps it from seeing whether sessions are valid.
    """

    def __init__(self, site: Site, email: str, password: str, *, watches: bool = False) -> None:
        super().__init__(daemon=True)
        self.watches = watches
        self.site, self.email, self.password = site, email, password
        self.tally = Tally()
        self.sessions: list[Session] = []
        self.doubt: Doubt | None = None
        self.stopping = False
        self._random = random.Random(email)
        self._csrf = ""  # of a browser that is not signed in
        self._asked = 0.0  # when the last call was sent

    def run(self) -> None:
        while not self.stopping:
            self.act()

    def act(self) -> None:
        live = self.of(State.LIVE)
        if self.watches:
            return self.look() if len(live) >= _WATCHED else self.sign_in()
        if len(live) < 2:
            # Where nobody can sign in, there still are answers.
            return self._random.choice((self.sign_in, self.look_back))()
        if len(live) > _POCKET:
            return self.sign_out()
        acts = (self.look, self.look_back, self.sign_in, self.sign_out, self.be_a_stranger)
        rare = (self.end_others, self.end_all, self.change_password)
        chosen = self._random.choices((*acts, *rare), (24, 8, 6, 5, 2, 1, 1, 1))[0]
        return chosen()

    def of(self, state: State) -> list[Session]:
        return [one for one in self.sessions if one.state is state]

    # The acts

    def look(self) -> None:
        self.check(self._random.choice(self.of(State.LIVE)))

    def look_back(self) -> None:
        if ended := self.of(State.ENDED)[-_AGAIN:]:
            self.check(self._random.choice(ended))

    def check(self, session: Session) -> int:
        """Ask whether a session is valid; return 200, 401, or 0 if nobody knows."""
        answer = self._call("check", "GET", self._random.choice(PAGES), session)
        status = {200: 200, 401: 401, 302: 401}.get(answer.status, 0)
        if status == 0:
            self._only_outages(answer, "a check")
        elif status == 401 and session.state is State.LIVE:
            self._refused(session)
        elif status == 200 and session.state is State.ENDED:
            self._revived(session)
        else:
            self._good()
        return status

    def be_a_stranger(self) -> None:
        ref = self.sessions[0].token.partition(".")[0] if self.sessions else "A" * 16
        made_up = Session(f"{ref}.{secrets.token_urlsafe(32)}", "", 0.0)
        answer = self._call("stranger", "GET", self._random.choice(PAGES), made_up)
        if answer.status == 200:
            self._wrong("a stranger was let in")
        elif answer.status not in (401, 302):
            self._only_outages(answer, "a stranger's check")

    def sign_in(self) -> None:
        if not self._csrf and not self._fetch_csrf():
            return
        form = {"email": self.email, "password": self.password, "remember": False}
        nobody = Session("", self._csrf, 0.0)
        answer = self._call("sign-in", "POST", "/api/auth/login", nobody, form)
        if answer.status == 200 and answer.cookies.get(SESSION):
            self._good()
            self._signed_in(answer)
        elif answer.status == 401 and self.doubt and b"invalid-credentials" not in answer.body:
            pass  # overtaken by the end of all sessions that nobody acknowledged
        elif answer.status == 401 and self.doubt and self.doubt.password:
            self.password, self.doubt.password = self.doubt.password, ""
            self._ghost("password change")
        elif answer.status in (401, 429):
            self._wrong(f"the right password was refused with {answer.status}")
            time.sleep(_PAUSE)
        else:
            self._only_outages(answer, "a sign-in")

    def sign_out(self) -> None:
        session = self._random.choice(self.of(State.LIVE))
        session.state = State.UNKNOWN
        answer = self._call("sign-out", "POST", "/api/auth/logout", session)
        if answer.status == 204:
            self._good()
            session.end(self._asked, by_epoch=False)
            self.check(session)
        else:
            self._only_outages(answer, "a sign-out")

    def end_others(self) -> None:
        kept, *others = self._random.sample(live := self.of(State.LIVE), len(live))
        for one in others:
            one.state = State.UNKNOWN
        answer = self._call("end others", "POST", "/api/auth/sessions/revoke-others", kept)
        if answer.status == 200:
            self._good()
            self._end(others, by_epoch=False)
            self.check(kept)
        else:
            self._not_done(answer, "end others", kept)

    def end_all(self) -> None:
        if self.doubt:
            return
        used, asked = self._random.choice(self.of(State.LIVE)), time.monotonic()
        answer = self._call("end all", "POST", "/api/auth/sessions/revoke-all", used)
        if answer.status == 200:
            self._good()
            self._end(self.sessions, by_epoch=True)
        elif self._not_done(answer, "end all", used):
            self.doubt = Doubt("end all", asked)

    def change_password(self) -> None:
        if self.doubt:
            return
        used, asked = self._random.choice(self.of(State.LIVE)), time.monotonic()
        new = secrets.token_urlsafe(18)
        form = {"current_password": self.password, "new_password": new}
        answer = self._call("password", "POST", "/api/auth/password/change", used, form)
        if answer.status == 200 and answer.cookies.get(SESSION):
            self._good()
            self.password = new
            self._end(self.sessions, by_epoch=True)
            self._signed_in(answer)
        elif answer.status == 401 and b"password-changed" in answer.body:
            self.password = new
            self._end(self.sessions, by_epoch=True)
        elif self._not_done(answer, "password change", used):
            self.doubt = Doubt("password change", asked, new)

    # What the answers mean

    def _signed_in(self, answer: Answer) -> None:
        token, csrf = answer.cookies[SESSION], answer.cookies.get(CSRF, "")
        self.sessions.append(Session(token, csrf, self._asked))

    def _call(
        self, what: str, method: str, path: str, session: Session, body: object = None
    ) -> Answer:
        self._asked = time.monotonic()
        answer = self.site.call(
            method, path, session=session.token, csrf=session.csrf, body=body
        )  # fmt: skip
        tally = self.tally
        tally.requests += 1
        tally.statuses[f"{what} {answer.status}"] += 1
        tally.unavailable += answer.status == 503
        tally.broken += answer.status == 0
        if answer.status >= 500 and answer.cookies:
            self._wrong(f"a {answer.status} touched a cookie")
        if answer.status in (0, 503):
            time.sleep(_PAUSE)
        return answer

    def _fetch_csrf(self) -> bool:
        answer = self._call("csrf", "GET", "/api/auth/csrf", Session("", "", 0.0))
        self._csrf = answer.cookies.get(CSRF, "")
        if not self._csrf:
            self._only_outages(answer, "the CSRF token")
        return bool(self._csrf)

    def _only_outages(self, answer: Answer, what: str) -> None:
        if answer.status not in (0, 503):
            self._wrong(f"{what} was answered {answer.status}: {answer.body[:200]!r}")

    def _not_done(self, answer: Answer, what: str, used: Session) -> bool:
        """Judge an answer that is no success; return whether it may have happened all the same."""
        if answer.status == 401:
            self._refused(used)
        else:
            self._only_outages(answer, what)
        return answer.status in (0, 503)

    def _end(self, sessions: list[Session], *, by_epoch: bool) -> None:
        asked = self._asked
        over = [one for one in sessions if not (one.state is State.ENDED and one.by_epoch)]
        for one in over:
            one.end(asked, by_epoch=by_epoch)
        for one in over[-2:]:
            self.check(one)

    def _refused(self, session: Session) -> None:
        session.state = State.REFUSED
        if not self.doubt:  # else it is judged when all is known
            self.lost(Kind.WRONG, session, "a live session was refused")

    def lost(self, kind: Kind, session: Session, text: str) -> None:
        times = session.asked, session.born
        self.tally.findings.append(Finding(kind, text, *times, is_final=False))

    def _revived(self, session: Session) -> None:
        session.state = State.UNKNOWN  # counted once
        how = "ended with all others" if session.by_epoch else "ended alone"
        text = f"a session that was {how} answers 200"
        times = session.end_asked, session.ended
        self.tally.findings.append(Finding(Kind.REVIVED, text, *times, is_final=session.by_epoch))

    def _good(self) -> None:
        self.tally.good.append(time.monotonic())

    def _wrong(self, text: str) -> None:
        self.tally.findings.append(Finding(Kind.WRONG, text))

    def _ghost(self, what: str) -> None:
        self.tally.ghosts[what] += 1
