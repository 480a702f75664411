"""Test settings: fixed throw-away secrets, cheap password hashes, mails in memory."""

import os
import tempfile
from pathlib import Path
from typing import Any

from .base import *  # noqa: F403
from .base import ENV, apply

_SECRETS = {
    "SECRET_KEY": "test-" + "s" * 50,
    "GATEHOUSE_SERVICE_KEYS": "test2:" + "k" * 40 + ",test1:" + "j" * 40,
    "GATEHOUSE_IDENTITY_KEYS": "test2:" + "i" * 40 + ",test1:" + "h" * 40,
    "GATEHOUSE_SESSION_KEYS": "test1:" + "x" * 40,
    "GATEHOUSE_FACTOR_KEYS": "test2:" + "g" * 40 + ",test1:" + "f" * 40,
    "GATEHOUSE_ARGON2_MEMORY_KIB": "64",
    "GATEHOUSE_ARGON2_TIME": "1",
}
ENV.values = {**_SECRETS, **ENV.values}
DEBUG = False
apply(globals(), email_default="memory://", log_json=True)
ALLOWED_HOSTS = ["*"]
STATIC_ROOT = (
    Path(tempfile.gettempdir()) / "gatehouse-test-no-static"
)  # not what script/server collected

# Events are written by a thread of their own, and SQLite in memory knows no waiting for a lock.
_database: dict[str, Any] = globals()["DATABASES"]["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _file = Path(tempfile.gettempdir()) / f"gatehouse-test-{os.getpid()}.sqlite3"
    _database["TEST"] = {"NAME": _file}
