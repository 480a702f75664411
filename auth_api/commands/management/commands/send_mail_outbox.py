"""Sends the mails in the outbox."""

import signal
import threading
from typing import Any

import structlog
from django.core.management.base import CommandParser
from django.db import Error, close_old_connections, connection

from auth_api.commands.base import OperatorCommand, Report
from auth_api.mail.outbox import send_due_mails

PAUSE = 1.0  # seconds between two looks

_log = structlog.get_logger("auth_api.mail")


class Command(OperatorCommand):
    help = "Sends the mails that are due. With --loop, keeps running until it is stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--loop", action="store_true", help="check for due mails every second")

    def perform(self, options: dict[str, Any]) -> Report:
        if options["loop"]:
            _send_until_stopped()
            return Report("")
        tried = send_due_mails()
        return Report(f"Tried to send {tried} mails.", {"tried": tried})


def _send_until_stopped() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.is_set():
        close_old_connections()
        try:
            more = send_due_mails() > 0
        except Error as error:  # the database is away: the mails are there
            _log.error("outbox.unreadable", error=type(error).__name__)
            connection.close()
            more = False
        if not more:
            stopped.wait(PAUSE)
