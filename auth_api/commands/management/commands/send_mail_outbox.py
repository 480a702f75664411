"""Sends the mails in the outbox, and deletes accounts whose deletion is due."""

import signal
import threading
import time
from typing import Any

import structlog
from django.core.management.base import CommandParser
from django.db import Error, close_old_connections, connection

from auth_api.commands.base import OperatorCommand, Report
from auth_api.mail.outbox import send_due_mails
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.users.flows.deletion import erase_due_accounts

PAUSE = 1.0  # seconds between two looks
ERASE_EVERY = 60.0  # seconds

_log = structlog.get_logger("auth_api.mail")


class Command(OperatorCommand):
    help = (
        "Deletes the accounts whose deletion is due, and sends the mails that are due. With --loop, keeps "
        "running until it is stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--loop", action="store_true", help="check for due mails every second")

    def perform(self, options: dict[str, Any]) -> Report:
        if options["loop"]:
            _send_until_stopped()
            return Report("")
        erased, tried = erase_due_accounts(), send_due_mails()
        text = f"Tried to send {tried} mails."
        if erased:
            text = f"Deleted {erased} accounts. {text}"
        return Report(text, {"tried": tried, "erased": erased})


def _send_until_stopped() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    erase_at = time.monotonic()
    while not stopped.is_set():
        close_old_connections()
        if time.monotonic() >= erase_at:
            _erase()
            erase_at = time.monotonic() + ERASE_EVERY
        try:
            more = send_due_mails() > 0
        except Error as error:  # the database is away: the mails are there
            _log.error("outbox.unreadable", error=type(error).__name__)
            connection.close()
            more = False
        if not more:
            stopped.wait(PAUSE)


def _erase() -> None:
    """Delete what is due; if that fails, the next look tries again."""
    try:
        erase_due_accounts()
    except (Error, SessionStoreUnavailable) as error:
        _log.error("deletion.failed", error=type(error).__name__)
        connection.close()
