#!/usr/bin/env python
"""One entry for commands: it speaks for auth_api unless --settings says frontend_site.settings."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from gatehouse.env import use_throw_away_secrets

if __name__ == "__main__":
    os.umask(0o077)  # databases, mails and dumps are for their owner
    os.environ.setdefault("GATEHOUSE_ENV", "development")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_api.settings")
    if sys.argv[1:2] == ["make_keys"]:  # it makes what production needs to start
        use_throw_away_secrets()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # the environment, not the code: one line says what to do
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"Improperly configured: {error}")
    except OSError as error:  # of files that the settings need, for example GATEHOUSE_VAR
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"{error.strerror or error}: {error.filename}. Correct this, then try again.")
