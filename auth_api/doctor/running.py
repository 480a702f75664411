"""Runs the checks one after the other. None of them can stop or delay the others for long."""

import queue
import threading
from collections.abc import Iterable, Iterator
from time import monotonic

from django.db import connections

from auth_api.doctor.findings import Check, Finding, fail

PATIENCE = 30.0  # seconds for one check; each of its questions has a shorter limit
_Found = queue.SimpleQueue[Finding | None]


def findings_of(checks: Iterable[Check], *, patience: float = PATIENCE) -> Iterator[Finding]:
    """Yield what the `checks` find, as they find it. Never raises, but for an interruption."""
    for check in checks:
        yield from _findings_of(check, patience)


def _findings_of(check: Check, patience: float) -> Iterator[Finding]:
    """In a thread of its own: what hangs is left behind, and a daemon thread ends with the process."""
    found: _Found = queue.SimpleQueue()
    threading.Thread(target=_run, args=(check, found), daemon=True).start()
    deadline = monotonic() + patience
    while True:
        try:
            finding = found.get(timeout=max(0.0, deadline - monotonic()))
        except queue.Empty:
            yield fail(
                check.name,
                f"no result after {patience:.0f} seconds",
                "Find out what does not answer (a firewall that drops packets?), then run doctor again.",
            )
            return
        if finding is None:
            return
        yield finding


def _run(check: Check, found: _Found) -> None:
    try:
        for finding in check.run():
            found.put(finding)
    except Exception as error:  # a fault of ours, or one that the check did not expect
        text = f"the check itself failed: {type(error).__name__}"
        found.put(fail(check.name, text, "Report this, with the versions from `pip list`."))
    finally:
        connections.close_all()  # of this thread
        found.put(None)
