from django.urls import path

from . import views

app_name = "notes"
urlpatterns = [
    path("", views.NoteList.as_view(), name="list"),
    path("new", views.NoteCreate.as_view(), name="new"),
    path("<int:pk>/delete", views.delete, name="delete"),
    path("<int:pk>/attachment", views.attachment, name="attachment"),
    path("count", views.count, name="count"),
    path("everything", views.everything, name="everything"),
    path("reminder", views.reminder, name="reminder"),
]
