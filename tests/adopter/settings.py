"""frontend_site's settings with the adopter's URLs, and templates that show the user on error pages."""

from pathlib import Path

from frontend_site.settings import *  # noqa: F403
from frontend_site.settings import TEMPLATES

ROOT_URLCONF = "tests.adopter.urls"
TEMPLATES = [{**TEMPLATES[0], "DIRS": [Path(__file__).parent / "templates", *TEMPLATES[0]["DIRS"]]}]
