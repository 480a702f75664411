"""Options that several commands share."""

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from auth_api.commands.base import refused
from auth_api.commands.failures import WRONG_ARGUMENTS, CommandFailed
from auth_api.users.models import User


def add_yes(parser: CommandParser) -> None:
    """Add `--yes`, for `terminal.confirm`."""
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def add_group(parser: CommandParser) -> None:
    """Add `--group`, which may be repeated."""
    parser.add_argument(
        "--group",
        action="append",
        default=[],
        help="add the account to this group (may be repeated)",
    )


def require_range(option: str, value: int | None, least: int, most: int) -> None:
    """Raise CommandFailed unless `value` is None or within the range.

    Not argparse's, which does not see the keywords of `call_command`.
    """
    if value is not None and not least <= value <= most:
        message = f"{option} must be a whole number from {least} to {most}."
        raise CommandFailed(message, WRONG_ARGUMENTS)


def user_of(email: str) -> User:
    """Return the user with this address, in any spelling. Raises CommandFailed."""
    users: QuerySet[User] = User.objects.all()
    try:
        return users.get(email=email)
    except User.DoesNotExist:
        raise refused("There is no such user. Check the e-mail address.") from None
