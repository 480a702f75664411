"""Those of the project; the page shows the part about Gatehouse."""

import os

SECRET_KEY = "of-a-test"
ALLOWED_HOSTS = ["localhost"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["KEPT_DATABASE"]}}  # fmt: skip
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "tests.e2e.kept",
]
ROOT_URLCONF = "tests.e2e.kept.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tests.e2e.kept.gatehouse.GatehouseMiddleware",  # after AuthenticationMiddleware
]
AUTHENTICATION_BACKENDS = ["tests.e2e.kept.gatehouse.GatehouseBackend"]  # and no other
FORCE_SCRIPT_NAME = "/app"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/app/"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
LOGIN_URL = "no-account"
