from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "auth_api.mail"
    label = "mail"
    verbose_name = "Mail"
