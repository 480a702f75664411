from django.contrib.auth.backends import RemoteUserBackend
from django.contrib.auth.middleware import RemoteUserMiddleware

from .models import GatehouseId


class GatehouseMiddleware(RemoteUserMiddleware):
    header = "HTTP_REMOTE_USER"  # the header Remote-User


class GatehouseBackend(RemoteUserBackend):
    create_unknown_user = False

    def clean_username(self, gatehouse_id):
        link = GatehouseId.objects.select_related("user").filter(value=gatehouse_id).first()
        return link.user.get_username() if link else ""
