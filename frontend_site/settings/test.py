"""Test settings: fixed throw-away secrets, static files from the source tree."""

import tempfile
from pathlib import Path

from .base import *  # noqa: F403
from .base import ENV, apply

_SECRETS = {
    "FRONTEND_SECRET_KEY": "test-only-" + "abcdefghij" * 5,
    "GATEHOUSE_SERVICE_KEYS": "test2:" + "k" * 40 + ",test1:" + "j" * 40,
    "GATEHOUSE_CSRF_KEYS": "test2:" + "c" * 40 + ",test1:" + "b" * 40,
}
ENV.values = {**_SECRETS, **ENV.values}
DEBUG = False
STATIC_ROOT = (
    Path(tempfile.gettempdir()) / "gatehouse-test-no-static"
)  # not what script/server collected
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
apply(globals(), hosts="testserver,localhost,127.0.0.1", log_json=True)
