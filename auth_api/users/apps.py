from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "auth_api.users"
    label = "users"

    def ready(self) -> None:
        from auth_api import checks  # noqa: F401 - registers the system checks
        from auth_api.mail.outbox import ANSWERS

        from . import address_changes, password_changes, registration

        ANSWERS.update(
            {
                registration.REGISTER: registration.answer_registration,
                registration.RESEND: registration.answer_resend,
                password_changes.FORGOT: password_changes.answer_forgot,
                address_changes.CHANGE: address_changes.answer_address_change,
            }
        )
