from django.db import models

from frontend_site.fields import UserIdField


class Note(models.Model):
    owner = UserIdField()
    text = models.CharField(max_length=200)
    attachment = models.FileField(upload_to="notes/", blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.text
