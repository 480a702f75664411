"""Production: every secret, the hosts and the public origin are demanded; nothing is made up."""

from .base import *  # noqa: F403
from .base import ENV, apply

DEBUG = False
ENV.required("GATEHOUSE_PUBLIC_ORIGIN")
ENV.required("AUTH_API_URL")
STORAGES = {
    "staticfiles": {"BACKEND": "frontend_site.storage.StaticFiles"},
}
apply(globals(), hosts="", log_json=True)
