"""A model as it must not be: with a foreign key to users."""

from django.conf import settings
from django.db import models


class Post(models.Model):
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    readers = models.ManyToManyField("auth.Group")

    def __str__(self) -> str:
        return ""
