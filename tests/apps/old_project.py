"""The project of tests.apps.moved before it was moved: `python -m tests.apps.old_project URL` makes its database."""

import sys

import django
from django.conf import settings
from django.core.management import call_command

from gatehouse.database_url import parse_database_url


def main(url: str) -> None:
    """Make its tables, three users and a note of each."""
    settings.configure(
        DATABASES={"default": parse_database_url(url, "URL")},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "tests.apps.moved"],
        MIGRATION_MODULES={"moved": "tests.apps.moved.before.migrations"},
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from django.db import connection

    with connection.cursor() as cursor:
        for name in ("ada", "bob", "cleo"):
            user = User.objects.create_user(name)
            values = [user.pk, f"by {name}"]
            cursor.execute("INSERT INTO moved_note (owner_id, text) VALUES (%s, %s)", values)


if __name__ == "__main__":
    main(sys.argv[1])
