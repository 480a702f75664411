"""Production settings: every secret, the hosts and the public origin are required."""

from .base import *  # noqa: F403
from .base import STORAGES, apply

DEBUG = False
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "frontend_site.storage.StaticFiles"}}
apply(globals(), hosts="", log_json=True)
