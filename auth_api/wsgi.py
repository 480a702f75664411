"""The WSGI application of auth_api. The default environment is production."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("GATEHOUSE_ENV", "production")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_api.settings")

application = get_wsgi_application()

from auth_api.checks import refuse_weak_settings  # noqa: E402  (needs the settings above)
from auth_api.database.limits import serve  # noqa: E402

refuse_weak_settings()
serve()
