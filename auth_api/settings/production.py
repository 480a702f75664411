"""Production: every secret is demanded, nothing is made up."""

from .base import *  # noqa: F403
from .base import ENV, apply

DEBUG = False
for _name in ("REDIS_URL", "GATEHOUSE_PUBLIC_ORIGIN"):
    ENV.required(_name)
apply(globals(), email_default="", log_json=True)
