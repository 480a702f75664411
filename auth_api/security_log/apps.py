from django.apps import AppConfig


class SecurityLogConfig(AppConfig):
    name = "auth_api.security_log"
    label = "security_log"
    verbose_name = "Security log"
