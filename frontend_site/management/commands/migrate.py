"""Django's `migrate`, for a site that may have no database."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from frontend_site.site_apps.database_state import has_database, holds_accounts


class Command(migrate.Command):
    """Makes the tables of the site's apps."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate the site's database; without one, there is nothing to do."""
        if not has_database():
            if options["verbosity"]:
                self.stdout.write("The site has no database: no app in GATEHOUSE_APPS has models.")
            return
        self._refuse_accounts(options["database"])
        super().handle(*args, **options)

    def _refuse_accounts(self, alias: str) -> None:
        """Stop if this is auth_api's database: then DATABASE_URL is not known here, and no check has found it."""
        if holds_accounts(connections[alias]):
            raise CommandError(
                "SITE_DATABASE_URL is the database of auth_api, which holds the accounts. "
                "Set it to a database of the site's own."
            )
