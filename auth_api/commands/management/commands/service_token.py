"""Prints a service token for calling /v1/ by hand."""

from typing import Any

from django.core.management.base import BaseCommand

from auth_api.options import options
from gatehouse.service_token import LIFETIME, mint_service_token


class Command(BaseCommand):
    help = f"Prints a service token that is valid for {LIFETIME} seconds."

    def handle(self, *args: object, **arguments: Any) -> None:
        self.stdout.write(mint_service_token(options().service_keys[0]))
