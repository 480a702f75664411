"""The only Django app of the public site."""

from django.apps import AppConfig


class FrontendSiteConfig(AppConfig):
    name = "frontend_site"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the checks)
