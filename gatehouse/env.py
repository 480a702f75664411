"""Reads environment variables. No other module does."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

from . import variables
from .variables import Variable

T = TypeVar("T")
_IN_PRODUCTION = re.compile(r"^\s*(export\s+)?GATEHOUSE_ENV=[\"']?production\b", re.MULTILINE)
_METRICS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported


class Env:
    """The variables of one process, with the values of `variables` as their types.

    An empty variable counts as one that is not set. Blanks around a value do not count.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(os.environ if values is None else values)
        self.environment = self.read(variables.ENVIRONMENT)

    @property
    def is_production(self) -> bool:
        """Whether GATEHOUSE_ENV says so."""
        return self.environment == "production"

    def read(self, variable: Variable[T], *, default: str | None = None) -> T:
        """Return the value of `variable`, or what its default (or `default`) means.

        Raises ImproperlyConfigured, with one line that says what to do.
        """
        text = self.values.get(variable.name, "").strip()
        if not text:
            text = variable.default if default is None else default
            if variable.required and (not text or self.is_production):
                raise ImproperlyConfigured(_not_set(variable))
        try:
            return variable.kind.parse(text)
        except ValueError:
            raise ImproperlyConfigured(f"{variable.name} must be {variable.kind.words}.") from None

    def require_sound(self, project: str) -> None:
        """Raise ImproperlyConfigured if a variable of `project` cannot work, also one that has no effect now."""
        for variable in variables.TABLE:
            is_set = self.values.get(variable.name, "").strip()
            if is_set and variable.reader in (variables.BOTH, project):
                self.read(variable)


def settings_module(project: str) -> str:
    """Return the name of the settings module of `project`, auth_api or frontend_site.

    Raises ImproperlyConfigured if the site's does not exist.
    """
    if project != "frontend_site":
        return f"{project}.settings"
    name = Env().read(variables.SITE_SETTINGS)
    try:
        is_there = find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):  # a parent package is missing, or it is __main__
        is_there = False
    if not is_there:
        raise ImproperlyConfigured(
            f"{variables.SITE_SETTINGS.name} names {name}, which cannot be imported. Put it beside "
            "manage.py, or correct the name."
        )
    return name


def metrics_folder() -> str:
    """Return the folder in which this process and other workers keep their metrics, "" for none."""
    return os.environ.get(_METRICS, "")


def set_metrics_folder(folder: str) -> None:
    """Let the workers that this process starts keep their metrics in `folder`; nowhere if ""."""
    os.environ.pop(_METRICS, None)
    if folder:
        os.environ[_METRICS] = folder


def choose_environment(folder: Path) -> None:
    """Let commands run in development unless GATEHOUSE_ENV says otherwise; `folder` is that of manage.py.

    Ends the process if a file .env there, which nothing reads by itself, says production. Says so before a new
    development environment is made: on a server, somebody has forgotten the variables.
    """
    if os.environ.get(variables.ENVIRONMENT.name):
        return
    file = folder / ".env"
    if file.is_file() and _IN_PRODUCTION.search(file.read_text(errors="replace")):
        sys.exit(
            f"{file} says GATEHOUSE_ENV=production, but GATEHOUSE_ENV is not set: no command reads that file. "
            "Run: set -a; . ./.env; set +a"
        )
    os.environ[variables.ENVIRONMENT.name] = "development"
    if not (Path(os.environ.get(variables.VAR.name) or folder / "var") / "secrets.env").exists():
        sys.stderr.write(
            "GATEHOUSE_ENV is not set, so this is development, with keys and data in var/. In production, export "
            "production's variables first (docs/how-to/operations.md).\n"
        )


def use_throw_away_secrets() -> None:
    """Let this process start without any variable, whatever the environment says."""
    os.environ[variables.ENVIRONMENT.name] = "test"


def _not_set(variable: Variable[T]) -> str:
    return (
        f"{variable.name} is not set. Set it (docs/reference/configuration.md), or set "
        "GATEHOUSE_ENV=development, which creates throw-away secrets."
    )


@contextmanager
def stop_in_one_line() -> Iterator[None]:
    """End the process with one line, and without a traceback, if a variable cannot work."""
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"gatehouse: {error}")
