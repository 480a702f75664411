"""Development: throw-away secrets under var/, mails on the console."""

from .base import *  # noqa: F403
from .base import ENV, VAR, apply
from .env import development_secrets

ENV.values = {**development_secrets(VAR), **ENV.values}
DEBUG = False  # a debug page shows settings and bodies; the log has the traceback
apply(globals(), email_default="console://", log_json=False)
