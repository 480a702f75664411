"""Development settings: throw-away secrets in var/; templates and static files from the source tree, as they are now."""

from gatehouse.fresh_templates import fresh_templates
from gatehouse.private_files import development_secrets, server_addresses
from gatehouse.variables import DEVELOPMENT_SECRETS

from .base import *  # noqa: F403
from .base import ENV, TEMPLATES, VAR, apply

_FILES = {**development_secrets(VAR, DEVELOPMENT_SECRETS), **server_addresses(VAR)}
ENV.values = {**_FILES, **ENV.values}
DEBUG = False  # a debug page shows settings and bodies; the log has the traceback
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"  # what apps send
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
WHITENOISE_MAX_AGE = 0
apply(globals(), hosts="localhost,127.0.0.1,[::1]", log_json=False)
TEMPLATES = fresh_templates(TEMPLATES)
