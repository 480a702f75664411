"""The settings module that docs/how-to/adopting.md shows."""
# ruff: noqa: F403, F405

import os

from frontend_site.settings import *

MIDDLEWARE = [*MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
EMAIL_HOST, EMAIL_PORT, EMAIL_USE_TLS = "mail.example.com", 587, True
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = "site", os.environ["SITE_MAIL_PASSWORD"]
DEFAULT_FROM_EMAIL = "site@example.com"
