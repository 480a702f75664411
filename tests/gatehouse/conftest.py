"""The tests of what both services are made of; they need no service."""

from tests.projects import use_settings

use_settings("frontend_site.settings")
