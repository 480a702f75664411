"""All faults, in the order of the table; those of one system follow each other."""

# isort: off
from . import redis
from . import services
from . import mail
from . import databases
from . import clocks
from . import sentinel
from . import cluster
# isort: on

from .fault import FAULTS, Fault
from .systems import SYSTEMS

__all__ = ["EVERY", "clocks", "cluster", "databases", "mail", "redis", "sentinel", "services"]

_ORDER = list(SYSTEMS)
EVERY: list[Fault] = sorted(FAULTS, key=lambda fault: _ORDER.index(fault.where))
