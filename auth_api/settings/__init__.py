"""Loads the settings of one environment, selected by GATEHOUSE_ENV."""

from gatehouse.env import Env

_environment = Env().environment
if _environment == "production":
    from .production import *  # noqa: F403
elif _environment == "test":
    from .test import *  # noqa: F403
else:
    from .development import *  # noqa: F403
