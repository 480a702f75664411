#!/usr/bin/env python
"""One entry for commands: it speaks for auth_api unless --settings says frontend_site.settings."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("GATEHOUSE_ENV", "development")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_api.settings")
    execute_from_command_line(sys.argv)
