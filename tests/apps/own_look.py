"""The settings of a site with its own look, as docs/how-to/adopting.md shows them."""

from frontend_site.settings import *  # noqa: F403 - settings
from frontend_site.settings import TEMPLATES, VAR

for engine in TEMPLATES:
    engine["DIRS"].insert(0, VAR / "look")
