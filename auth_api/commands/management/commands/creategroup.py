"""Creates groups."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.db import transaction

from auth_api.commands.base import OperatorCommand, Report, refused


class Command(OperatorCommand):
    help = (
        "Creates groups, for access rules and group_required. A group that exists stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", nargs="+", help="the name of a group")

    def perform(self, options: dict[str, Any]) -> Report:
        with transaction.atomic():
            created = [name for name in options["name"] if _create(name)]
        text = (
            f"Created: {', '.join(created)}." if created else "All of these groups exist already."
        )
        return Report(text, {"created": created})


def _create(name: str) -> bool:
    """Return whether the group is new. Raises CommandFailed for a name that no group may have."""
    if Group.objects.filter(name=name).exists():
        return False
    group = Group(name=name)
    try:
        group.full_clean()
    except ValidationError as error:
        raise refused(" ".join(error.messages)) from None
    group.save()
    return True
