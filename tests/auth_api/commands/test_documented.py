"""docs/reference/commands.md names every command, with every option."""

from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandParser

from auth_api.commands.base import OperatorCommand

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "commands.md"
OURS = sorted(name for name, app in get_commands().items() if str(app).startswith("auth_api"))


def section(name: str) -> str:
    _, _, rest = PAGE.read_text().partition(f"\n### `{name}`\n")
    return rest.partition("\n##")[0]


def options_of(parser: CommandParser) -> set[str]:
    found = (option for action in parser._actions for option in action.option_strings)
    return {option for option in found if option.startswith("--")}


@pytest.mark.parametrize("name", OURS)
def test_the_page_has_every_command_and_option(name: str) -> None:
    text, command = section(name), load_command_class("auth_api.commands", name)
    assert text
    assert isinstance(command, OperatorCommand)  # --json, exit codes, one line
    own = options_of(command.create_parser("manage.py", name))
    own -= options_of(BaseCommand().create_parser("manage.py", name)) | {"--json", "--skip-checks"}
    assert {option for option in own if option not in text} == set()
