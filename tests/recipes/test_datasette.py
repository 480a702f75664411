"""Datasette: SQL in the query string, and links below its base_url."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest

from tests.recipes.apps import page_command, python_app, running
from tests.recipes.conftest import Places
from tests.recipes.visitor import Visitor

SQL = (
    "select name, 'a|b%2F' as odd from planets\r\nwhere name like '%ar%' and mass < 1.5 -- ü & [x]"
)


@pytest.fixture(scope="session", autouse=True)
def datasette(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder, mine = tmp_path_factory.mktemp("datasette"), places["datasette"]
    with closing(sqlite3.connect(folder / "data.db")) as database, database:
        database.execute("create table planets (name text, mass real)")
        planets = [("Earth", 1.0), ("Mars", 0.1), ("Jupiter", 317.8)]
        database.executemany("insert into planets values (?, ?)", planets)
    address = f"http://127.0.0.1:{mine['8001']}/datasette/"
    command = page_command("datasette", mine)
    with running(command, folder, python_app("datasette"), address):
        yield


def test_a_query_with_encoded_sql(member: Visitor) -> None:
    rows = member.open(f"/datasette/data.json?sql={quote(SQL)}&_shape=array")
    assert rows.status_code == 200
    assert rows.json() == [{"name": "Earth", "odd": "a|b%2F"}, {"name": "Mars", "odd": "a|b%2F"}]


def test_its_pages_link_to_pages_below_the_path(member: Visitor) -> None:
    page = member.open("/datasette/")
    assert page.status_code == 200
    assert 'href="/datasette/data"' in page.text
    assert member.open("/datasette/data/planets").status_code == 200
    assert member.open("/datasette/-/static/app.css").status_code == 200


def test_a_link_with_sql_survives_the_sign_in(proxied: str, member: Visitor) -> None:
    answer = Visitor(proxied).open(f"/datasette/data?sql={quote(SQL)}")
    assert answer.status_code == 302
    followed = member.get(answer.headers["Location"].removeprefix(proxied))
    assert followed.status_code == 302
    page = member.open(followed.headers["Location"].removeprefix(proxied))
    assert (page.status_code, "Mars" in page.text) == (200, True)
