from django.db import models

from frontend_site.fields import UserIdField


class Note(models.Model):
    owner = UserIdField()
    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text
