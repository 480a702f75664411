"""Prints a service token for calling /v1/ by hand."""

from typing import Any

from auth_api.commands.base import OperatorCommand, Report
from auth_api.options import options
from gatehouse.service_token import LIFETIME, mint_service_token


class Command(OperatorCommand):
    help = f"Prints a service token that is valid for {LIFETIME} seconds."

    def perform(self, arguments: dict[str, Any]) -> Report:
        token = mint_service_token(options().service_keys[0])
        return Report(token, {"token": token, "seconds": LIFETIME})
