"""Ends sessions from the command line."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.services import end_all_sessions


class Command(BaseCommand):
    help = "Ends all sessions of a user, one session of a user (--handle), or the sessions of all users (--all)."

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--email")
        who.add_argument("--all", action="store_true")
        parser.add_argument(
            "--handle",
            help="end only this session of the user; write --handle=H, as H may start with -",
        )

    def handle(self, *args: object, **options: Any) -> None:
        try:
            self.stdout.write(f"{_end(options)} sessions ended.")
        except SessionStoreUnavailable:
            raise CommandError(
                "Redis does not answer, so some sessions may still exist. Run the command again."
            ) from None


def _end(options: dict[str, Any]) -> int:
    users = get_user_model()._default_manager
    if options["all"]:
        # No cursor stays open meanwhile: SQLite would refuse the writes beside it.
        pks = list(users.values_list("pk", flat=True))
        return sum(_end_all(user) for pk in pks for user in users.filter(pk=pk))
    try:
        user: Any = users.get_by_natural_key(options["email"])
    except get_user_model().DoesNotExist:
        raise CommandError("There is no such user. Check the e-mail address.") from None
    if (handle := options["handle"]) is None:
        return _end_all(user)
    ended = backend.end_by_handle(user.session_ref, handle)
    if ended:
        record_event(Kind.SESSION_ENDED, user.pk, handle=handle)
    return int(ended)


def _end_all(user: Any) -> int:
    ended = end_all_sessions(user)
    record_event(Kind.ALL_ENDED, user.pk, count=ended)
    return ended
