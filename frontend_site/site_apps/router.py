"""Keeps tables of users out of the site's database."""

CODE_ONLY = frozenset({"auth", "contenttypes"})  # users are in auth_api


class SiteRouter:
    """Makes no table of the apps that are installed for their code only."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool | None:
        """Return False for them, and None (no opinion) for every other app."""
        return False if app_label in CODE_ONLY else None
