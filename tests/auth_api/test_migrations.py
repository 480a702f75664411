"""After `migrate`, the code of earlier releases still runs: during a rolling upgrade, and for a rollback."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField

OURS = ("users", "security_log", "mail")
FIRST_SUPPORTED = "0005_invitations"  # before the second factors of release 0.3


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def added_columns(loader: MigrationLoader) -> Iterator[tuple[str, str, str]]:
    """Yield the app, model and field of each column that a migration adds to a table."""
    for (app, _), migration in loader.disk_migrations.items():
        if app in OURS:
            added = [each for each in migration.operations if isinstance(each, AddField)]
            yield from ((app, each.model_name_lower, each.name) for each in added)


def test_an_added_column_needs_no_value(loader: MigrationLoader) -> None:
    state = loader.project_state()
    columns = list(added_columns(loader))
    assert ("users", "user", "has_second_factor") in columns
    fields = {name: state.models[name[:2]].fields[name[2]] for name in columns}
    missing = [
        name
        for name, field in fields.items()
        if not (field.null or field.many_to_many or field.has_db_default())
    ]
    assert missing == []


@pytest.mark.django_db
def test_an_earlier_release_can_create_users(loader: MigrationLoader) -> None:
    names = sorted(name for app, name in loader.disk_migrations if app == "users")
    for number, name in enumerate(names[names.index(FIRST_SUPPORTED) :]):
        earlier = loader.project_state(("users", name)).apps.get_model("users", "User")
        earlier.objects.create(email=f"{number}@example.com", password="!")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM users_user WHERE must_enrol OR has_second_factor")
        assert cursor.fetchone() == (0,)
