"""Development settings: throw-away secrets in var/, static files from the source tree."""

from gatehouse.private_files import development_secrets
from gatehouse.variables import DEVELOPMENT_SECRETS

from .base import *  # noqa: F403
from .base import ENV, VAR, apply

ENV.values = {**development_secrets(VAR, DEVELOPMENT_SECRETS), **ENV.values}
DEBUG = False  # a debug page shows settings and bodies; the log has the traceback
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
apply(globals(), hosts="localhost,127.0.0.1,[::1]", log_json=False)
