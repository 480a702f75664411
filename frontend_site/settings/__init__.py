"""One dotted path, `frontend_site.settings`; GATEHOUSE_ENV picks exactly one environment."""

from gatehouse.env import Env

_environment = Env().environment
if _environment == "production":
    from .production import *  # noqa: F403
elif _environment == "test":
    from .test import *  # noqa: F403
else:
    from .development import *  # noqa: F403
