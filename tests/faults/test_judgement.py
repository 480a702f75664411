"""The clients of bench/faults notice each answer that contradicts what was acknowledged, and no other."""

import secrets

import pytest

from bench.faults.client import Client
from bench.faults.known import Finding, Kind, Session, State, excused
from bench.faults.load import Load
from bench.faults.site import CSRF, SESSION, Answer, Site

EMAIL, PASSWORD = "ada@example.com", "right"


class ScriptedSite(Site):
    """A site that honestly keeps sessions, but for what a test tells it to answer next."""

    def __init__(self) -> None:
        super().__init__(0, "")
        self.sessions: set[str] = set()
        self.password = PASSWORD
        self.next: Answer | None = None
        self.works_all_the_same = False  # although it answers `next`

    def call(
        self, method: str, path: str, *, session: str = "", csrf: str = "", body: object = None
    ) -> Answer:
        told, self.next = self.next, None
        if told and not self.works_all_the_same:
            return told
        answer = self._answer(path, session, body)
        return told or answer

    def _answer(self, path: str, session: str, body: object) -> Answer:
        match path.rpartition("/")[2], body:
            case "csrf", _:
                return Answer(200, {CSRF: "csrf"})
            case "login", {"password": self.password}:
                return self._started()
            case "login", _:
                return Answer(401, body=b'{"type": "/problems/invalid-credentials"}')
            case "sessions", _:
                items = ", ".join(
                    f'{{"handle": "{Session(s, "", 0.0).handle}"}}' for s in self.sessions
                )
                return Answer(200, body=f'{{"items": [{items}]}}'.encode())
        if session not in self.sessions:
            return Answer(401)
        match path.rpartition("/")[2], body:
            case "logout", _:
                self.sessions.discard(session)
                return Answer(204)
            case "revoke-all", _:
                self.sessions.clear()
            case "change", {"new_password": str(new)}:
                self.password = new
                self.sessions.clear()
                return self._started()
        return Answer(200)

    def _started(self) -> Answer:
        token = f"{'r' * 16}.{secrets.token_urlsafe(32)}"
        self.sessions.add(token)
        return Answer(200, {SESSION: token, CSRF: "csrf"})


@pytest.fixture
def site() -> ScriptedSite:
    return ScriptedSite()


@pytest.fixture
def client(site: ScriptedSite) -> Client:
    made = Client(site, EMAIL, PASSWORD)
    made.sign_in()
    made.sign_in()
    return made


def kinds(client: Client) -> list[Kind]:
    Load([client], []).settle()
    return [finding.kind for finding in client.tally.findings]


def test_an_honest_site_contradicts_nothing(client: Client) -> None:
    client.sign_out()
    client.end_all()
    client.sign_in()
    client.change_password()
    client.be_a_stranger()
    assert kinds(client) == []
    assert not +client.tally.ghosts


@pytest.mark.parametrize("status", [0, 503])
def test_an_outage_contradicts_nothing(client: Client, site: ScriptedSite, status: int) -> None:
    for act in (client.look, client.sign_in, client.sign_out, client.end_all):
        site.next = Answer(status)
        act()
    assert kinds(client) == []


@pytest.mark.parametrize(
    "answer", [Answer(401), Answer(500), Answer(429), Answer(503, {SESSION: ""})]
)
def test_a_wrong_answer_about_a_live_session_is_noticed(
    client: Client, site: ScriptedSite, answer: Answer
) -> None:
    site.next = answer
    client.look()
    assert kinds(client) == [Kind.WRONG]


def test_a_lost_session_is_noticed(client: Client, site: ScriptedSite) -> None:
    site.sessions.remove(client.sessions[0].token)
    assert kinds(client) == [Kind.WRONG, Kind.LOST]


def test_a_revived_session_is_noticed_once(client: Client, site: ScriptedSite) -> None:
    client.sign_out()
    [ended] = client.of(State.ENDED)
    site.sessions.add(ended.token)
    client.check(ended)
    assert kinds(client) == [Kind.REVIVED]


def test_a_right_password_that_is_throttled_is_noticed(client: Client, site: ScriptedSite) -> None:
    site.next = Answer(429)
    client.sign_in()
    assert kinds(client) == [Kind.WRONG]


@pytest.mark.parametrize(("in_doubt", "expected"), [(True, []), (False, [Kind.WRONG])])
def test_only_an_unacknowledged_end_of_all_may_overtake_a_sign_in(
    client: Client, site: ScriptedSite, in_doubt: bool, expected: list[Kind]
) -> None:
    if in_doubt:
        site.next = Answer(503)
        client.end_all()
    site.next = Answer(401, body=b'{"type": "/problems/session-ended"}')
    client.sign_in()
    assert kinds(client) == expected


def test_work_that_goes_on_after_a_503_is_a_ghost(client: Client, site: ScriptedSite) -> None:
    site.works_all_the_same = True
    site.next = Answer(503)
    client.sign_in()
    site.next = Answer(503)
    client.end_all()
    client.sign_in()
    site.next = Answer(503)
    client.sign_in()
    assert kinds(client) == []
    assert +client.tally.ghosts == {"end all": 1, "sign-in": 1}


def test_a_password_that_changed_after_a_503_is_a_ghost(client: Client, site: ScriptedSite) -> None:
    site.works_all_the_same = True
    site.next = Answer(503)
    client.change_password()
    assert kinds(client) == []
    assert client.tally.ghosts["password change"] == 1


def test_a_changed_password_without_a_new_session_is_known(
    client: Client, site: ScriptedSite
) -> None:
    site.works_all_the_same = True
    site.next = Answer(401, body=b'{"type": "urn:gatehouse:problem:password-changed"}')
    client.change_password()
    site.sessions.clear()
    assert client.password == site.password
    client.sign_in()
    assert kinds(client) == []


def test_an_unacknowledged_end_of_all_excuses_no_loss_of_one(
    client: Client, site: ScriptedSite
) -> None:
    site.next = Answer(503)
    client.end_all()
    site.sessions.remove(client.sessions[0].token)
    assert kinds(client) == [Kind.WRONG, Kind.LOST]


def test_the_window_excuses_only_what_the_documents_name() -> None:
    def finding(
        kind: Kind, asked: float, acknowledged: float, *, is_final: bool = False
    ) -> Finding:
        return Finding(kind, "", asked, acknowledged, is_final=is_final)

    excusable = [
        finding(Kind.REVIVED, 4.5, 5.0),
        finding(Kind.LOST, 3.0, 4.5),  # each of them may have happened in the window
        finding(Kind.LOST, 5.5, 7.0),
    ]
    counts = [
        finding(Kind.REVIVED, 4.5, 5.0, is_final=True),
        finding(Kind.LOST, 2.0, 3.0),
        finding(Kind.LOST, 6.5, 7.0),
    ]
    assert excused([*excusable, *counts], [(4.0, 6.0)]) == (counts, excusable)
