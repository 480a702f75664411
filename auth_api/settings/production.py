"""Production settings: every secret is required."""

from .base import *  # noqa: F403
from .base import apply

DEBUG = False
apply(globals(), email_default="", log_json=True)
