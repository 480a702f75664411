"""Development settings: throw-away secrets in var/, mails on the console."""

from gatehouse.private_files import development_secrets
from gatehouse.variables import DEVELOPMENT_SECRETS

from .base import *  # noqa: F403
from .base import ENV, VAR, apply

ENV.values = {**development_secrets(VAR, DEVELOPMENT_SECRETS), **ENV.values}
DEBUG = False  # a debug page shows settings and bodies; the log has the traceback
apply(globals(), email_default="console://", log_json=False)
