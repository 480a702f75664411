"""Checks the settings of a service in a separate process: `python -m gatehouse.preflight auth_api`.

gunicorn's master process must not import Django: a gevent worker patches locks and sockets after the
fork, and objects that exist by then keep the unpatched ones.
"""

import os
import subprocess
import sys
from importlib import import_module

from gatehouse.env import Env, settings_module, stop_in_one_line


def require_sound_settings(project: str) -> None:
    """End this process if the settings of `project` cannot work; the check has printed one line."""
    command = [sys.executable, "-m", "gatehouse.preflight", project]
    status = subprocess.run(command).returncode  # noqa: S603 - our own module
    if status:
        raise SystemExit(status)


def main(project: str) -> None:
    """Check the settings of `project`; print one line and end with status 1 if they cannot work."""
    with stop_in_one_line():
        Env().require_sound(project)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module(project))
        import_module(f"{project}.checks").refuse_weak_settings()


if __name__ == "__main__":
    main(sys.argv[1])
