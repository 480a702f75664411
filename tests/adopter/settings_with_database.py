"""The adopter's settings with a database of their own, at ADOPTER_DATABASE."""

import os

from tests.adopter.settings import *  # noqa: F403

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["ADOPTER_DATABASE"],
    }
}
