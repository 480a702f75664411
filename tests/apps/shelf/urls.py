from django.urls import include, path

from . import views

app_name = "shelf"
urlpatterns = [
    path("", views.book_list, name="list"),
    path("editors", views.for_editors),
    path("editors/class", views.ForEditors.as_view()),
    path("editors/public", views.public_for_editors),
    path("page/<engine>", views.page_of),
    path("public/<engine>", views.public_page_of),
    path("ways/", include("tests.apps.shelf.ways")),
    path("more/", include("tests.apps.shelf.more")),
    path("slow", views.slow),
    path("missing-table", views.missing_table),
]
