from django.apps import AppConfig


class CommandsConfig(AppConfig):
    name = "auth_api.commands"
    label = "commands"
