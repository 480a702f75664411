"""A mail server that takes mails and never answers."""

from collections.abc import Iterator

from .fault import fault
from .systems import ALONE, System


@fault("mail hanging", ALONE)
def hanging(system: System) -> Iterator[None]:
    system.stack.mailbox.hangs = True
    yield
    system.stack.mailbox.hangs = False
