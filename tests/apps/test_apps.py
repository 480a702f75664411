"""GATEHOUSE_APPS: what may stand there, where addresses are, and the site's own database."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connection

from frontend_site.settings.site_apps import SiteApp, parse_site_apps
from frontend_site.settings.site_database import site_databases
from frontend_site.site_apps.checks import RESERVED, check_prefixes
from frontend_site.urls import urlpatterns
from gatehouse.env import Env
from tests.apps.shelf.models import Book
from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import STORE_DOWN, USER, Stub

ROOT = Path(__file__).resolve().parents[2]
SHELF = SiteApp("tests.apps.shelf")
OTHERS = "11111111-2222-3333-4444-555555555555"


# --- GATEHOUSE_APPS


@pytest.mark.parametrize(
    ("items", "why"),
    [
        (["nope"], "'nope' is not found"),
        (["tests.apps.nope.shelf"], "is not found"),
        (["tests.apps.shelf", "tests.apps.shelf=/x/"], "is named twice"),
        (["tests/apps"], "must be the dotted name"),
        (["tests.apps.shelf=shelf"], "must have a path such as /notes/"),
        (["tests.apps.shelf=/a/../b/"], "must have a path such as /notes/"),
        (["tests.apps.shelf=/a"], "must have a path such as /notes/"),
        (["auth_api.users"], "is already installed"),
        (["django.contrib.admin"], "the admin manages accounts"),
        (["django.contrib.sessions"], "is not supported"),
    ],
)
def test_an_item_that_cannot_work_is_refused(items: list[str], why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^GATEHOUSE_APPS: ") as refused:
        parse_site_apps(items)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("apps", "rules", "text"),
    [
        (["tests.apps.shelf=/login/"], (), "/login/ belong to Gatehouse"),
        (["tests.apps.shelf=/API/shelf/"], (), "belong to Gatehouse"),
        (["tests.apps.shelf=/wiki/a/"], ("/wiki/",), "behind forward auth"),
        (["tests.apps.shelf=/"], (), None),
        (["tests.apps.shelf=/my/books/"], ("/wiki/",), None),
    ],
)
def test_a_prefix_that_another_claims_is_found(
    options: Any, apps: list[str], rules: tuple[str, ...], text: str | None
) -> None:
    from frontend_site.settings.access_rules import AccessRule

    options(apps=parse_site_apps(apps), access_rules=tuple(map(AccessRule, rules)))
    messages = check_prefixes(None)
    assert [m.id for m in messages] == (["frontend_site.E011"] if text else [])
    assert text is None or text in messages[0].msg


def test_every_address_of_ours_is_reserved() -> None:
    ours = {str(route.pattern).lstrip("^").partition("/")[0] for route in urlpatterns}
    assert ours - {"", "shelf"} <= RESERVED


# --- addresses


def test_an_app_is_mounted_under_its_label_and_protected(browser: Browser, stub: Stub) -> None:
    answer = browser.get("/shelf/")
    assert (answer.status_code, answer["Location"]) == (302, "/login?next=/shelf/")
    assert browser.call("POST", "/shelf/").status_code == 405
    assert stub.calls == []
    stub.answers["GET /v1/session"] = STORE_DOWN
    assert browser.sign_in().get("/shelf/").status_code == 503


@pytest.mark.django_db
def test_a_view_of_an_app_costs_one_call(browser: Browser, stub: Stub) -> None:
    Book.objects.create(owner=USER["id"], title="Emma")
    Book.objects.create(owner=OTHERS, title="Ivanhoe")
    answer = browser.sign_in().get("/shelf/")
    assert answer.content == b"Emma"
    assert (answer["Cache-Control"], stub.calls) == ("no-store", ["GET /v1/session"])


def test_an_address_without_its_slash_leads_there(browser: Browser) -> None:
    answer = browser.get("/shelf?page=2")
    assert (answer.status_code, answer["Location"]) == (301, "/shelf/?page=2")
    assert browser.send("POST", "/shelf").status_code == 404


# --- the id of a user


@pytest.mark.django_db
def test_the_id_of_a_user_is_the_text_that_request_user_has() -> None:
    from frontend_site.backend.users import NOBODY, SiteUser

    ada = SiteUser(id=USER["id"])
    Book(owner=ada, title="Emma").save()
    assert Book.objects.get(owner=ada).owner == ada.id
    assert Book.objects.filter(owner__in=[ada.id, OTHERS]).count() == 1
    assert not Book.objects.filter(owner=NOBODY).exists()
    with pytest.raises(ValidationError):
        Book.objects.filter(owner="ada")


# --- the database


@pytest.mark.django_db
def test_no_table_of_users_is_made() -> None:
    assert set(connection.introspection.table_names()) == {"django_migrations", "shelf_book"}


def databases(tmp_path: Path, *apps: SiteApp, **values: str) -> dict[str, Any]:
    return site_databases(Env({"GATEHOUSE_ENV": "development", **values}), tmp_path, apps)


def test_an_app_without_models_needs_no_database(tmp_path: Path) -> None:
    assert databases(tmp_path, SiteApp("tests.apps.twin")) == {}
    assert databases(tmp_path, SHELF)["default"]["NAME"] == str(tmp_path / "site.sqlite3")
    with pytest.raises(ImproperlyConfigured, match="SITE_DATABASE_URL is not set, but the app"):
        databases(tmp_path, SHELF, GATEHOUSE_ENV="production")


def test_connections_to_postgresql_are_pooled(tmp_path: Path) -> None:
    url = "postgres://site@db.example/site"
    made = databases(tmp_path, SHELF, SITE_DATABASE_URL=url, SITE_DATABASE_CONNECTIONS="3")
    pool = made["default"]["OPTIONS"]["pool"]
    assert pool["max_size"] == 3
    assert (
        pool["reconnect_timeout"] < pool["timeout"]
    )  # who waits when the server is back is served
    assert made["default"]["CONN_MAX_AGE"] == 0
    with pytest.raises(
        ImproperlyConfigured, match=r"^SITE_DATABASE_URL: .*SITE_DATABASE_CONNECTIONS"
    ):
        databases(tmp_path, SHELF, SITE_DATABASE_URL=f"{url}?pool=true")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("postgres://site@localhost/g", "postgres://auth@127.0.0.1:5432/g"),
        ("postgres://site@DB.example/g", "postgres://auth@db.example/g?sslmode=require"),
        ("postgres://site@%2Fvar%2Frun%2Fpostgresql/g", "postgres://auth@localhost/g"),
        ("postgres:///g?host=db.example&user=site", "postgres://auth@db.example./g"),
        ("postgres://site@db.example/x?dbname=g", "postgres://auth@db.example/g"),
        ("sqlite:////srv/x/../users.sqlite3", "sqlite:////srv/users.sqlite3"),
        ("sqlite:///{var}/gatehouse.sqlite3", ""),
    ],
)
def test_the_database_of_the_accounts_is_refused(tmp_path: Path, ours: str, theirs: str) -> None:
    urls = {"SITE_DATABASE_URL": ours.format(var=tmp_path), "DATABASE_URL": theirs}
    with pytest.raises(ImproperlyConfigured, match="is the database of auth_api") as refused:
        databases(tmp_path, SHELF, **urls)
    assert "site@" not in str(refused.value)


@pytest.mark.django_db
def test_a_mistake_in_a_query_is_not_an_outage(browser: Browser) -> None:
    assert browser.get("/shelf/missing-table").status_code == 500


# --- commands


def manage(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], "GATEHOUSE_VAR": str(folder)}
    environment = {**kept, "GATEHOUSE_APPS": "tests.apps.shelf", **changes}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_commands_of_the_site_follow_the_word_site(tmp_path: Path) -> None:
    told = manage(tmp_path, "makemigrations", "shelf")
    assert "Run: manage.py site makemigrations shelf" in told.stderr
    unknown = manage(tmp_path, "site", "close_polls", GATEHOUSE_APPS="")
    assert (unknown.returncode, "GATEHOUSE_APPS is not set" in unknown.stderr) == (1, True)
    assert manage(tmp_path, "site", "makemigrations", "--check").returncode == 0
    waiting = manage(tmp_path, "site", "check", GATEHOUSE_APPS="tests.apps.waiting")
    assert waiting.stderr.count("frontend_site.E013") == 3
    own = manage(tmp_path, "site", "check", GATEHOUSE_SITE_SETTINGS="tests.apps.own_settings", SITE_MAIL_PASSWORD="x")  # fmt: skip
    assert own.returncode == 0, own.stderr
    assert manage(tmp_path, "site", "migrate", "--no-input").returncode == 0
    assert (tmp_path / "site.sqlite3").stat().st_mode & 0o077 == 0
    nothing = manage(tmp_path, "site", "migrate", GATEHOUSE_APPS="")
    assert (nothing.returncode, nothing.stdout[:24]) == (0, "The site has no database")
    assert manage(tmp_path, "migrate", "--no-input").returncode == 0
    wrong = {"SITE_DATABASE_URL": f"sqlite:///{tmp_path}/gatehouse.sqlite3", "DATABASE_URL": "sqlite:////x"}  # fmt: skip
    refused = manage(tmp_path, "site", "migrate", **wrong)
    assert "SITE_DATABASE_URL is the database of auth_api" in refused.stderr


LOOK = """
from frontend_site.testing import SiteClient
client = SiteClient()
for path in ("/login", "/nothing-here"):
    print(client.get(path).content.decode())
"""
FOOTERS = "Your session is stored on our server.", "A footer of our own."


@pytest.mark.slow
def test_a_settings_module_of_ones_own_replaces_templates_of_all_pages(tmp_path: Path) -> None:
    original = (ROOT / "templates/frontend_site/base.html").read_text()
    (tmp_path / "look").mkdir()
    (tmp_path / "look" / "base.html").write_text(original.replace(*FOOTERS))
    done = manage(tmp_path, "site", "shell", "-c", LOOK, GATEHOUSE_SITE_SETTINGS="tests.apps.own_look")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(FOOTERS[1]) == 2


def test_a_settings_module_that_is_not_there_stops_in_one_line(tmp_path: Path) -> None:
    done = manage(tmp_path, "site", "check", GATEHOUSE_SITE_SETTINGS="tests.apps.own_lok")
    assert done.returncode == 1
    assert "GATEHOUSE_SITE_SETTINGS names tests.apps.own_lok" in done.stderr
    assert "Traceback" not in done.stderr
