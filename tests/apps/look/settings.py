"""The settings of a site with its own look, as docs/how-to/adopting.md shows them."""

from frontend_site.settings import *  # noqa: F403 - settings
from frontend_site.settings import BASE_DIR, TEMPLATES

for engine in TEMPLATES:
    engine["DIRS"].insert(0, BASE_DIR / "tests" / "apps" / "look" / "templates")
