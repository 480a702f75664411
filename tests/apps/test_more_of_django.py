"""What else Django has: other methods, streams, its frameworks; and refusals, which are no faults."""

import io
import json

import pytest
from django.core import mail

from frontend_site.testing import SignedIn, SiteClient
from tests.apps.shelf.models import Book
from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import NO_SESSION, Canned, Stub
from tests.frontend_site.test_logging import log

__all__ = ["log"]
ADA = SignedIn("ada@example.com")


@pytest.fixture
def ada() -> SiteClient:
    client = SiteClient()
    client.sign_in(ADA)
    return client


def test_a_class_takes_the_methods_that_it_has(browser: Browser) -> None:
    browser.sign_in()
    for method in ("PUT", "PATCH"):
        assert browser.call(method, "/shelf/more/book", b'"Emma"').content == b'put "Emma"'
        assert browser.call(method, "/shelf/more/book", X_CSRF_Token="forged").status_code == 403
    assert browser.call("DELETE", "/shelf/more/book").content.startswith(b"deleted for ")
    assert browser.call("DELETE", "/shelf/more/book", X_CSRF_Token="forged").status_code == 403
    assert browser.call("POST", "/shelf/more/book").status_code == 405


@pytest.mark.django_db
def test_rest_framework_changes_and_deletes(ada: SiteClient) -> None:
    path = f"/shelf/more/books/{Book.objects.create(owner=ADA.id, title='Emma').pk}"
    assert ada.put(path, json.dumps({"title": "Persuasion"}), "application/json").status_code == 200
    assert (
        ada.patch(path, json.dumps({"title": "Emma"}), "application/json").json()["title"] == "Emma"
    )
    assert ada.delete(path).status_code == 204
    assert not Book.objects.exists()


@pytest.mark.django_db
def test_a_streamed_answer(ada: SiteClient) -> None:
    Book.objects.create(owner=ADA.id, title="Emma")
    answer = ada.get("/shelf/more/rows")
    assert answer.getvalue() == b"Emma\nend\n"
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_a_file_is_sent_whole_whatever_range_is_asked_for(browser: Browser) -> None:
    answer = browser.send("GET", "/shelf/more/long", Range="bytes=0-9")
    assert (answer.status_code, answer["Content-Length"]) == (200, str(20 * 1024**2))
    answer.close()


def test_djangos_frameworks(browser: Browser, log: io.StringIO) -> None:
    answer = browser.get("/shelf/more/around")
    assert answer.content.decode() == "from the cache, testserver, LOUD, Ja"
    assert [sent.subject for sent in mail.outbox] == ["Books"]
    [line] = [json.loads(line) for line in log.getvalue().splitlines() if "shelf.looked_at" in line]
    assert (line["level"], line["request_id"]) == ("warning", answer["X-Request-Id"])
    assert (
        b"<loc>http://testserver/shelf/prices</loc>"
        in browser.get("/shelf/more/sitemap.xml").content
    )


@pytest.mark.parametrize(
    ("name", "status", "lines"),
    [("denied", 403, 1), ("missing", 404, 1), ("bad", 400, 1), ("suspicious", 400, 2)],
)
def test_a_refusal_is_no_fault(
    browser: Browser, log: io.StringIO, name: str, status: int, lines: int
) -> None:
    """The line of the request says it; Django has one more about a SuspiciousOperation."""
    assert browser.get(f"/shelf/more/refusal/{name}").status_code == status
    assert "Traceback" not in log.getvalue()
    assert len(log.getvalue().splitlines()) == lines


def test_a_fault_of_a_view_has_its_traceback(browser: Browser, log: io.StringIO) -> None:
    assert browser.get("/shelf/more/refusal/nothing").status_code == 500
    assert "KeyError" in log.getvalue()


# --- error pages


@pytest.mark.parametrize("status", [403, 404, 413, 500, 503])
def test_an_error_page_has_the_links_of_who_is_signed_in_and_makes_no_call(
    browser: Browser, stub: Stub, status: int
) -> None:
    browser.sign_in()
    token, calls = browser.token(), len(stub.seen)
    if status == 413:
        answer = browser.post(
            "/shelf/ways/titles", {"x": "x" * 65536, "csrfmiddlewaretoken": token}
        )
    elif status == 503:
        stub.answers["GET /v1/session"] = Canned(503, {})
        answer, calls = browser.get("/shelf/"), calls + 1
    else:
        path = {403: "refusal/denied", 404: "refusal/missing", 500: "refusal/nothing"}[status]
        answer = browser.get(f"/shelf/more/{path}")
    assert answer.status_code == status
    page = answer.content.decode()
    assert '<a href="/account">Account</a>' in page
    assert '<a href="/logout">Sign out</a>' in page
    assert ("browsers usually keep what you typed" in page) == (status == 413)
    assert len(stub.seen) == calls
    browser.cookies.clear()
    assert (
        '<a href="/login">Sign in</a>'
        in browser.get("/shelf/more/refusal/missing").content.decode()
    )


@pytest.mark.django_db
def test_what_a_view_committed_stands_when_its_session_has_ended(
    browser: Browser, stub: Stub
) -> None:
    stub.answers["PATCH /v1/session/data"] = NO_SESSION
    assert browser.sign_in().post("/shelf/more/kept").status_code == 302
    assert Book.objects.get().title == "kept"
