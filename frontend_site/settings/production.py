"""Production: every secret, the hosts and the public origin are demanded; nothing is made up."""

from .base import *  # noqa: F403
from .base import ENV, apply

DEBUG = False
ENV.required("GATEHOUSE_PUBLIC_ORIGIN")
ENV.required("AUTH_API_URL")
STORAGES = {
    # Names carry a hash of the content, so browsers may keep them for ever.
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
apply(globals(), hosts="", log_json=True)
