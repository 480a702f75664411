#!/usr/bin/env python
"""One entry for commands: it speaks for auth_api, and for the site after the word `site`.

`manage.py migrate` is auth_api's, `manage.py site migrate` that of the apps in GATEHOUSE_APPS. As in any Django
project, --settings works, too.
"""

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line, get_commands

from gatehouse import variables
from gatehouse.env import Env, choose_environment, settings_module, use_throw_away_secrets


def for_its_project(arguments: list[str]) -> list[str]:
    """Return `arguments` for Django: after the word `site`, with the settings of the site.

    Ends the process if a command would look in auth_api for an app of the site.
    """
    if arguments[1:2] == ["site"]:
        settings = settings_module("frontend_site")
        return [arguments[0], *arguments[2:3], f"--settings={settings}", *arguments[3:]]
    names = [item.partition("=")[0] for item in Env().read(variables.APPS)]
    labels = {part for name in names for part in (name, name.rpartition(".")[2])}
    if labels.intersection(arguments[2:3]) and "--settings" not in " ".join(arguments):
        command = " ".join(arguments[1:])
        sys.exit(f"{arguments[2]} is an app of the site. Run: manage.py site {command}")
    return arguments


def explain_unknown(arguments: list[str]) -> None:
    """Say why Django does not know a command of the site, if it is because the site has no apps."""
    is_unknown = arguments[1:2] == ["site"] and not set(arguments[2:3]) <= set(get_commands())
    if is_unknown and not Env().read(variables.APPS):
        print(
            "GATEHOUSE_APPS is not set, so the site has no apps with commands. "
            "Name your apps in it, for example GATEHOUSE_APPS=notes.",
            file=sys.stderr,
        )


if __name__ == "__main__":
    # Databases, mails and dumps are for their owner; a service may run as another user than who collects its files.
    os.umask(0o022 if "collectstatic" in sys.argv[1:3] else 0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_api.settings")
    if sys.argv[1:2] == ["make_keys"]:  # it makes what production needs to start
        use_throw_away_secrets()
    else:
        choose_environment(Path(__file__).parent)
    try:
        execute_from_command_line(for_its_project(sys.argv))
    except SystemExit:
        explain_unknown(sys.argv)
        raise
    except ImproperlyConfigured as error:  # the environment, not the code: one line says what to do
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"Improperly configured: {error}")
    except OSError as error:  # of files that the settings need, for example GATEHOUSE_VAR
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"{error.strerror or error}: {error.filename}. Correct this, then try again.")
