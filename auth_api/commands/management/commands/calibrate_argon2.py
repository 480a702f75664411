"""Measures the cost of a password hash on this machine."""

from typing import Any

from argon2 import PasswordHasher
from django.core.management.base import CommandParser
from nacl.bindings import crypto_pwhash_str_verify

from auth_api.commands.arguments import require_range
from auth_api.commands.base import OperatorCommand, Report
from auth_api.options import options as settings
from auth_api.users.passwords.timing import PASSWORD, milliseconds_of

_LEAST_MEMORY = 19_456  # KiB, with two passes: OWASP's least (Password Storage Cheat Sheet)
_LEAST_PASSES, _MOST_PASSES = 2, 100


class Command(OperatorCommand):
    help = "Measures the cost of a password check on this machine, and suggests the number of passes for a target time."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--target",
            type=int,
            default=100,
            help="target time of one check, in milliseconds (default: 100)",
        )
        memory = settings().argon2_memory_kib
        parser.add_argument(
            "--memory",
            type=int,
            help=f"memory of one hash, in KiB (default: {memory}, as configured)",
        )

    def perform(self, options: dict[str, Any]) -> Report:
        require_range("--target", options["target"], 1, 10_000)
        require_range("--memory", options["memory"], _LEAST_MEMORY, 4_194_304)
        now = settings()
        memory = options["memory"] or max(now.argon2_memory_kib, _LEAST_MEMORY)
        configured = _milliseconds(now.argon2_memory_kib, now.argon2_time)
        one_pass = _milliseconds(memory, _LEAST_PASSES) / _LEAST_PASSES
        passes = min(max(int(options["target"] / one_pass), _LEAST_PASSES), _MOST_PASSES)
        suggested = _milliseconds(memory, passes)
        text = (
            f"A check takes {configured:.0f} ms as configured ({now.argon2_memory_kib} KiB, "
            f"{now.argon2_time} passes).\n"
            f"GATEHOUSE_ARGON2_MEMORY_KIB={memory} and GATEHOUSE_ARGON2_TIME={passes} take {suggested:.0f} ms; "
            f"the hashes of a process then use up to {memory * now.hashing_slots // 1024} MiB."
        )
        values = {"configured_ms": configured, "memory_kib": memory, "time": passes}
        return Report(text, {**values, "suggested_ms": suggested})


def _milliseconds(memory: int, passes: int) -> float:
    """Return how long a check takes by libsodium, as a sign-in does it."""
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=1)
    stored = hasher.hash(PASSWORD).encode()
    return milliseconds_of(lambda: crypto_pwhash_str_verify(stored, PASSWORD.encode()))
