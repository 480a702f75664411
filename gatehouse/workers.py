"""What the worker classes of both services do alike: they reload without a gap, and stop when told."""

import os
import signal
from types import FrameType
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from . import handover


class ReplacedWhenReady(Worker):  # type: ignore[misc]
    """For a worker class: a worker that is replaced serves until the new workers are ready.

    On SIGHUP gunicorn starts the new workers and tells the old ones to stop at the same moment, and
    nobody would answer while the new ones load the application.
    """

    _serves = False
    _was_told = False

    def run(self) -> None:
        """Serve. gunicorn calls this when the application is loaded."""
        if self.alive:
            self._serves = True
            handover.announce_ready(self.age)
        super().run()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take gunicorn's SIGTERM: stop, but not before the new workers of a reload are ready."""
        self._was_told = True
        if not self._serves or self._may_leave():
            super().handle_exit(sig, frame)

    def notify(self) -> None:
        """Tell gunicorn every second that we are alive, and leave when it is time."""
        super().notify()
        if self._was_told and self.alive and self._may_leave():
            super().handle_exit(signal.SIGTERM, None)

    def _may_leave(self) -> bool:
        # gunicorn kills a worker that has not started within its timeout
        waits = handover.reload_goes_on(self.cfg.workers, self.cfg.timeout)
        return handover.is_stopping() or not waits


def stop_after_notice(server: Arbiter, seconds: float) -> None:
    """Have the master announce a stop at SIGTERM, and begin it `seconds` later.

    A second SIGTERM begins it at once, as SIGINT and SIGQUIT do.
    """

    def on_term(number: int, frame: FrameType | None) -> None:
        if os.getpid() != server.pid:  # a worker that has not set its own handlers yet
            return
        if handover.stop_is_announced() or not seconds:
            begin()
        else:
            handover.announce_stop()
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def begin(*_: Any) -> None:
        handover.begin_stop()
        server.signal(signal.SIGTERM, None)

    signal.signal(signal.SIGALRM, begin)
    signal.signal(signal.SIGTERM, on_term)
