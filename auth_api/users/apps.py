from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "auth_api.users"
    label = "users"

    def ready(self) -> None:
        from auth_api import checks  # noqa: F401 - registers the system checks
