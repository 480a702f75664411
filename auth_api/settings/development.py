"""Development settings: throw-away secrets and mails in var/; templates as they are now."""

from urllib.parse import quote

from gatehouse.fresh_templates import fresh_templates
from gatehouse.private_files import development_secrets, server_addresses
from gatehouse.variables import DEVELOPMENT_SECRETS

from .base import *  # noqa: F403
from .base import ENV, TEMPLATES, VAR, apply

_FILES = {**development_secrets(VAR, DEVELOPMENT_SECRETS), **server_addresses(VAR)}
ENV.values = {**_FILES, **ENV.values}
DEBUG = False  # a debug page shows settings and bodies; the log has the traceback
apply(globals(), email_default=f"file://{quote(str(VAR / 'mail'))}", log_json=False)
TEMPLATES = fresh_templates(TEMPLATES)
