"""What Django developers write works, or the answer says what to declare."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from structlog.testing import capture_logs

from frontend_site.testing import SignedIn, SiteClient
from frontend_site.views import accepts, csp
from tests.apps.shelf import ways
from tests.apps.shelf.models import Book
from tests.frontend_site.browser import ORIGIN, Browser
from tests.frontend_site.stub import NO_SESSION, SESSION_ENDED, STORE_DOWN, Stub, send

ADA = SignedIn("ada@example.com", groups=["editors"])


@pytest.fixture
def client() -> SiteClient:
    return SiteClient()


@pytest.fixture
def ada(client: SiteClient) -> SiteClient:
    client.sign_in(ADA)
    return client


# --- views, forms, users


@pytest.mark.django_db
def test_class_based_views_and_model_forms(ada: SiteClient) -> None:
    page = ada.get("/shelf/ways/new")
    assert b'name="csrfmiddlewaretoken"' in page.content
    assert b'name="title"' in page.content
    created = ada.post("/shelf/ways/new", {"title": "Emma"})
    assert (created.status_code, created["Location"]) == (302, "/shelf/ways/list")
    assert Book.objects.get().owner == ADA.id
    assert "_messages" in ada.session
    shown = ada.get("/shelf/ways/list").content
    assert b"Emma is on your shelf." in shown
    assert b"Emma is on your shelf." not in ada.get("/shelf/ways/list").content
    assert b"<li>Emma</li>" in shown
    assert b"Signed in as ada@example.com" in shown
    assert ada.delete("/shelf/ways/new").status_code == 405
    assert SiteClient().get("/shelf/ways/list").status_code == 302


@pytest.mark.django_db
def test_a_form_without_its_token_changes_nothing() -> None:
    strict = SiteClient(enforce_csrf_checks=True)
    strict.sign_in(ADA)
    answer = strict.post("/shelf/ways/new", {"title": "Emma"}, HTTP_ORIGIN=ORIGIN)
    assert answer.status_code == 403
    assert not Book.objects.exists()


def test_formsets_with_many_fields(ada: SiteClient) -> None:
    assert b"form-29-title" in ada.get("/shelf/ways/titles").content
    form = {"form-TOTAL_FORMS": "60", "form-INITIAL_FORMS": "0"}
    form |= {f"form-{n}-title": f"T{n}" for n in range(60)}
    assert ada.post("/shelf/ways/titles", form).content.decode().endswith("T58, T59")


def test_djangos_decorators_and_mixins(client: SiteClient) -> None:
    assert client.get("/shelf/ways/anybody").content == b"for AnonymousUser, True"
    for path in ("required", "staff", "mine"):
        assert client.get(f"/shelf/ways/{path}").status_code == 302
    client.force_login(ADA)
    assert client.get("/shelf/ways/required").content == b"for ada@example.com"
    assert client.get("/shelf/ways/mine").status_code == 403
    assert client.get("/shelf/ways/staff")["Location"].startswith("/login")
    client.sign_in(SignedIn(is_staff=True))
    assert client.get("/shelf/ways/staff").content == b"for staff"
    assert client.get("/shelf/ways/mine").content == b"for staff"
    client.logout()
    assert client.get("/shelf/ways/required").status_code == 302


def test_a_message_to_a_visitor_is_dropped_with_a_word_about_it(client: SiteClient) -> None:
    with capture_logs() as logs:
        client.get("/shelf/ways/anybody")
    assert [line["event"] for line in logs if "hint" in line] == ["session.not_stored"]


def test_a_test_signs_in_with_a_second_factor(client: SiteClient) -> None:
    for acr in ("aal1", "aal2"):
        client.sign_in(SignedIn(acr=acr))
        assert client.get("/shelf/ways/required").wsgi_request.user.acr == acr


# --- bodies


def upload(client: SiteClient, size: int, **fields: Any) -> Any:
    scan = SimpleUploadedFile("scan.pdf", b"x" * size)
    return client.post("/shelf/ways/upload", {"title": "Emma", "scan": scan}, **fields)


def test_a_form_with_a_file_is_taken_where_it_is_declared(ada: SiteClient) -> None:
    assert upload(ada, 500_000).content == b"500000 bytes for ada@example.com"
    too_large = upload(ada, 1024**2)
    assert too_large.status_code == 413
    assert b"Send at most 1 MiB." in too_large.content
    assert ada.post("/shelf/ways/upload", {"title": "Emma"}).status_code == 422


def multipart(
    browser: Browser, token: str, path: str = "/shelf/ways/upload", **headers: str
) -> Any:
    lines = [
        "--b", 'Content-Disposition: form-data; name="csrfmiddlewaretoken"', "", token,
        "--b", 'Content-Disposition: form-data; name="title"', "", "Emma",
        "--b", 'Content-Disposition: form-data; name="scan"; filename="s"', "", "x" * 100_000, "--b--", "",
    ]  # fmt: skip
    given = {"Origin": ORIGIN, "Sec_Fetch_Site": "same-origin", **headers}
    body, kind = "\r\n".join(lines).encode(), "multipart/form-data; boundary=b"
    return browser.send("POST", path, body=body, content_type=kind, **given)


def test_a_file_comes_with_the_token_of_its_form(browser: Browser, stub: Stub) -> None:
    browser.sign_in()
    assert multipart(browser, browser.token()).content.startswith(b"100000 bytes")
    assert stub.calls == ["GET /v1/session"]
    for token in ("", "forged", "A" * 22 + "." + "A" * 22 + "." + "A" * 43):
        assert multipart(browser, token).status_code == 403
    foreign = {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}
    assert multipart(browser, browser.token(), **foreign).status_code == 403


@pytest.mark.parametrize("path", ["/shelf/ways/upload", "/shelf/ways/upload/own"])
def test_nobody_without_a_session_has_a_file_stored(
    browser: Browser, stub: Stub, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    read: list[Any] = []
    from frontend_site.middleware import late_body

    monkeypatch.setattr(late_body, "_read_files", read.append)
    assert multipart(browser, browser.token(), path).status_code == 302
    for ending in (NO_SESSION, STORE_DOWN):
        stub.answers["GET /v1/session"] = stub.answers["GET /v1/session?slide=false"] = ending
        assert multipart(browser.sign_in(), browser.token(), path).status_code in (302, 503)
    assert read == []


def test_a_session_that_ends_while_a_slow_body_comes_changes_nothing(
    browser: Browser, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontend_site.middleware.late_body._FRESH", -1.0)
    token = browser.sign_in().token()
    assert multipart(browser, token).content == b"100000 bytes for ada@example.com"
    assert stub.calls == ["GET /v1/session"] * 2
    valid = stub.answers["GET /v1/session"]
    for ending, status in ((SESSION_ENDED, 302), (STORE_DOWN, 503)):
        answers = iter((valid, ending))
        stub.answers["GET /v1/session"] = lambda handler, answers=answers: send(
            handler, next(answers)
        )
        browser.sign_in()
        answer = multipart(browser, token)
        assert (answer.status_code, b"bytes" in answer.content) == (status, False)


def test_what_nobody_declared_is_refused_and_told_to_the_developer(
    ada: SiteClient, options: Any
) -> None:
    scan = SimpleUploadedFile("scan.pdf", b"x")
    with capture_logs() as logs:
        refused = ada.post("/shelf/ways/titles", {"scan": scan})
        wrong = ada.post("/shelf/ways/plain", {})
    assert (refused.status_code, wrong.status_code) == (415, 405)
    hints = [line["hint"] for line in logs if line["event"] == "request.undeclared"]
    assert '@accepts("multipart/form-data", limit="10MiB")' in hints[0]
    assert '@page("GET", "POST")' in hints[1]
    assert b"declare" not in refused.content + wrong.content
    options(environment="development")
    assert b"@page(&#34;GET&#34;, &#34;POST&#34;)" in ada.post("/shelf/ways/plain", {}).content


def test_a_wrong_declaration_is_told_at_once() -> None:
    for limit, types in (("a lot", ()), ("1MiB", ("csv",))):
        with pytest.raises(ImproperlyConfigured, match="accepts: "):
            accepts(*types, limit=limit)
    for sources in (
        {"script": "'unsafe-inline'"}, {"img": "*"}, {"default": "https://a.example"},
        {"script": "data:"}, {"img": "https://a.example; script-src *"}, {"img": "http://a.example"},
    ):  # fmt: skip
        with pytest.raises(ImproperlyConfigured, match="csp: "):
            csp(**sources)


# --- what a page may load, and who may call


def test_a_page_may_load_what_its_view_declares(ada: SiteClient) -> None:
    usual = ada.get("/shelf/ways/required")["Content-Security-Policy"]
    policy = ada.get("/shelf/ways/map")["Content-Security-Policy"]
    assert "img-src 'self' https://tiles.example.com data:; " in policy
    assert policy.endswith("frame-src https://pay.example.com")
    assert "tiles" not in usual
    assert "frame-src" not in usual


def call(browser: Browser, body: bytes, **headers: str) -> Any:
    signature = hmac.new(ways.SECRET, body, hashlib.sha256).hexdigest()
    given = {"X_Signature": signature, **headers}
    return browser.send("POST", "/shelf/ways/paid", body=body, content_type="application/json", **given)  # fmt: skip


def test_a_machine_calls_without_cookie_and_token(browser: Browser, stub: Stub) -> None:
    assert call(browser, b"{}").json() == {"cookies": {}, "user": "AnonymousUser"}
    assert call(browser, b"{}", X_Signature="wrong").status_code == 403
    browser.sign_in()
    answer = call(browser, b"{}", Sec_Fetch_Site="cross-site", Origin="https://evil.example")
    assert answer.json() == {"cookies": {}, "user": "AnonymousUser"}
    assert stub.calls == []
    assert call(browser, b"x" * 100_000).status_code == 200
    assert call(browser, b"x" * 300_000).json()["detail"] == "Send at most 200 KiB."
    assert browser.send("GET", "/shelf/ways/paid").status_code == 405


# --- JSON


def test_an_endpoint_answers_with_problem_documents(browser: Browser, stub: Stub) -> None:
    path = "/shelf/ways/summary"
    for answer in (browser.call("GET", path), browser.call("PUT", path)):
        assert answer["Content-Type"] == "application/problem+json"
    browser = Browser().sign_in()
    assert browser.call("POST", path, b'{"a": 1}').json()["given"] == {"a": 1}
    assert browser.call("POST", path, X_CSRF_Token="x").json()["reason"] == "unknown-token"
    assert browser.send("GET", path, Sec_Fetch_Dest="script").status_code == 403


@pytest.mark.django_db
def test_views_of_rest_framework(ada: SiteClient) -> None:
    assert SiteClient().get("/shelf/ways/api/summary").status_code == 401
    assert ada.get("/shelf/ways/api/summary").json() == {"of": "ada@example.com"}
    given = ada.post("/shelf/ways/api/summary", json.dumps({"a": 1}), "application/json")
    assert (given.status_code, given.json()) == (201, {"given": {"a": 1}})
    assert ada.delete("/shelf/ways/api/summary").status_code == 405
    made = ada.post("/shelf/ways/api/books", json.dumps({"title": "Emma"}), "application/json")
    assert made.status_code == 201
    assert [book["title"] for book in ada.get("/shelf/ways/api/books").json()] == ["Emma"]
    assert ada.put("/shelf/ways/api/books", b"{}", "application/json").status_code == 405
    assert ada.get("/shelf/ways/api/secret", headers={"accept": "*/*"}).status_code == 403


def test_a_view_of_rest_framework_is_protected_unless_it_says_otherwise(
    browser: Browser, stub: Stub
) -> None:
    """REST framework marks every view as `login_not_required`."""
    assert browser.get("/shelf/ways/api/undeclared").status_code == 302
    assert browser.call("GET", "/shelf/ways/api/books").status_code == 401
    assert browser.call("GET", "/shelf/ways/api/public").json() == {"of": "AnonymousUser"}
    stub.answers["GET /v1/session"] = STORE_DOWN
    browser.sign_in()
    for path in ("undeclared", "books", "public"):
        assert browser.call("GET", f"/shelf/ways/api/{path}").status_code == 503


# --- the test client


def test_posts_pass_with_the_variables_of_production(client: SiteClient, options: Any) -> None:
    options(environment="production", public_origin="https://app.example.org", proxy_hops=1)
    client.sign_in()
    with capture_logs() as logs:
        answer = client.post("/shelf/ways/new", {"title": ""})
    assert answer.status_code == 200  # the form, with its errors
    assert [entry for entry in logs if entry["event"] == "forwarded_for.unusable"] == []


def test_a_sign_in_of_a_while_ago(client: SiteClient) -> None:
    for minutes, status in ((0, 200), (2, 403)):
        client.sign_in(SignedIn(auth_time=timezone.now() - timedelta(minutes=minutes)))
        assert client.get("/shelf/ways/recent").status_code == status
