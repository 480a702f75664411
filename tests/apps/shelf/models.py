"""Books, each of a user."""

from django.db import models

from frontend_site.fields import UserIdField


class Book(models.Model):
    owner = UserIdField()
    title = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.title
