"""As frontend_site's, with the adopter's addresses and templates, which greet people on error pages."""

from pathlib import Path

from frontend_site.settings import *  # noqa: F403
from frontend_site.settings import TEMPLATES

ROOT_URLCONF = "tests.adopter.urls"
TEMPLATES = [{**TEMPLATES[0], "DIRS": [Path(__file__).parent / "templates", *TEMPLATES[0]["DIRS"]]}]
