from django.conf import settings
from django.db import models


class GatehouseId(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    value = models.UUIDField(unique=True)

    def __str__(self) -> str:
        return str(self.value)
