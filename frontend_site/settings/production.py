"""Production: every secret, the hosts and the public origin are demanded; nothing is made up."""

from .base import *  # noqa: F403
from .base import apply

DEBUG = False
STORAGES = {
    "staticfiles": {"BACKEND": "frontend_site.storage.StaticFiles"},
}
apply(globals(), hosts="", log_json=True)
