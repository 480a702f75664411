"""Django's SQLite backend, guarded."""

from django.db.backends.sqlite3 import base

from auth_api.database.guarded import GuardedWrapper


class DatabaseWrapper(GuardedWrapper, base.DatabaseWrapper):
    """Django loads it by the name of this module."""
