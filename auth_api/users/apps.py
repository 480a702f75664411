from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "auth_api.users"
    label = "users"

    def ready(self) -> None:
        from auth_api import checks  # noqa: F401 - registers the system checks
        from auth_api.mail.outbox import ANSWERS
        from auth_api.users import groups, permissions  # noqa: F401 - connect the signals
        from auth_api.users.flows import address as address_changes
        from auth_api.users.flows import password as password_changes
        from auth_api.users.flows import registration

        ANSWERS.update(
            {
                registration.REGISTER: registration.answer_registration,
                registration.RESEND: registration.answer_resend,
                password_changes.FORGOT: password_changes.answer_forgot,
                address_changes.CHANGE: address_changes.answer_address_change,
            }
        )
