"""The WSGI application of frontend_site. The default environment is production."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from gatehouse.env import settings_module

os.environ.setdefault("GATEHOUSE_ENV", "production")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module("frontend_site"))

_django = get_wsgi_application()

# Both need the settings above.
from frontend_site.checks import refuse_weak_settings  # noqa: E402
from frontend_site.connections.body import limit_body  # noqa: E402

refuse_weak_settings()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Serve the path that was asked for.

    A server that believes a `SCRIPT_NAME` header cuts it off the path, and then a proxy's rule for
    /login would let /login/account through to /account. We are mounted at the root, always.
    """
    if prefix := environ.get("SCRIPT_NAME"):
        environ["PATH_INFO"] = prefix + environ.get("PATH_INFO", "")
        environ["SCRIPT_NAME"] = ""
    limit_body(environ)
    return _django(environ, start_response)
