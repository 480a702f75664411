"""Runs faults one after the other and prints, or writes, the table.

Usage: .venv/bin/python -m bench.faults [--only TEXT] [--seconds N] [--write]    (all of them: about 15 minutes)
"""

import argparse
import signal
import sys
from subprocess import SubprocessError

from bench.page import write_block

from .every import EVERY
from .fault import Fault
from .report import details, table
from .run import NoRecovery, Row, run
from .systems import Systems


def main() -> int:
    """Return 1 if something was wrong, lost or revived, or a fault could not be run."""
    arguments = _arguments()
    # As Ctrl-C: everything that was started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = [text.lower() for text in arguments.only or [""]]
    chosen = [fault for fault in EVERY if any(text in fault.name.lower() for text in wanted)]
    if not chosen:
        raise SystemExit(f"No fault's name contains {' or '.join(arguments.only)}.")
    rows, skipped, failed = _run_all(chosen, arguments.seconds)
    report = "\n\n".join([table(rows), *(f"Not run: {line}." for line in skipped + failed)])
    print(report)
    if arguments.write:
        write_block("bench.faults", report, page="faults.md")
    return int(bool(failed) or not all(row.holds for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.faults", description=__doc__)
    parser.add_argument(
        "--only", action="append", help="run the faults whose names contain this; may be repeated"
    )
    parser.add_argument(
        "--seconds", type=float, default=0, help="let a fault last at least so long"
    )
    parser.add_argument("--write", action="store_true", help="write docs/reference/faults.md")
    return parser.parse_args()


def _run_all(chosen: list[Fault], seconds: float) -> tuple[list[Row], list[str], list[str]]:
    rows: list[Row] = []
    skipped: list[str] = []
    failed: list[str] = []
    with Systems() as systems:
        for fault in chosen:
            print(f"{fault.name}: ", end="", flush=True)
            if why := fault.missing():
                print(f"NOT RUN: {why}")
                skipped.append(f"{fault.name}: {why}")
                continue
            try:
                rows.append(run(fault, systems.get(fault.where), seconds=seconds))
                print(details(rows[-1]), flush=True)
            except (NoRecovery, TimeoutError, RuntimeError, OSError, SubprocessError) as error:
                print(f"FAILED: {error}", flush=True)
                failed.append(f"{fault.name}: {error}")
                systems.stop()
    return rows, skipped, failed


if __name__ == "__main__":
    sys.exit(main())
