"""Lists, shows, ends and counts sessions."""

from typing import Any

from django.core.management.base import CommandParser

from auth_api.commands.arguments import user_of
from auth_api.commands.base import OperatorCommand, Report
from auth_api.commands.ending import end_for_user
from auth_api.commands.failures import WRONG_ARGUMENTS, CommandFailed
from auth_api.commands.listing import count_sessions, list_of_user, show_one


class Command(OperatorCommand):
    help = "Lists (list), shows (show) or ends (end) sessions of a user, or counts the sessions of all users (stats)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("action", choices=("list", "show", "end", "stats"))
        parser.add_argument("--email", help="whose sessions; not for stats")
        parser.add_argument(
            "--handle",
            help="which session, for show and end; write --handle=H, as H may start with -. Without it, end ends all",
        )

    def perform(self, options: dict[str, Any]) -> Report:
        action, email, handle = options["action"], options["email"], options["handle"]
        _require_fitting(action, email, handle)
        match action:
            case "list":
                return list_of_user(user_of(email))
            case "show":
                return show_one(user_of(email), handle)
            case "end":
                return end_for_user(user_of(email), handle)
        return count_sessions()


def _require_fitting(action: str, email: str | None, handle: str | None) -> None:
    wrong = ""
    if action == "stats" and (email or handle):
        wrong = "stats takes neither --email nor --handle."
    elif action != "stats" and not email:
        wrong = f"{action} needs --email."
    elif action == "show" and not handle:
        wrong = "show needs --handle."
    elif action == "list" and handle:
        wrong = "list takes no --handle. Use show."
    if wrong:
        raise CommandFailed(wrong, WRONG_ARGUMENTS)
