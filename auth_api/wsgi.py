"""The WSGI entry of the private service. Production unless GATEHOUSE_ENV says otherwise."""

import os

import django

os.environ.setdefault("GATEHOUSE_ENV", "production")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_api.settings")

django.setup(set_prefix=False)

from auth_api.checks import refuse_weak_settings  # noqa: E402  (needs the settings above)
from auth_api.handler import Handler  # noqa: E402

refuse_weak_settings()
application = Handler()
