#!/usr/bin/env python
"""One entry for commands: it speaks for auth_api unless --settings says frontend_site.settings."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.umask(0o077)  # databases, mails and dumps are for their owner
    os.environ.setdefault("GATEHOUSE_ENV", "development")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_api.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # the environment, not the code: one line says what to do
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"Improperly configured: {error}")
