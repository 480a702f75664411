"""Production: every secret is demanded, nothing is made up."""

from .base import *  # noqa: F403
from .base import ENV, apply

DEBUG = False
REDIS_URL = ENV.required("REDIS_URL")
apply(globals(), email_default="", log_json=True)
