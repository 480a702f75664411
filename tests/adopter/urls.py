"""The adopter's URLs, before those of the site."""

from django.urls import path
from django.views.generic import TemplateView

from frontend_site.security.endpoints import page
from frontend_site.urls import handler400, handler403, handler404, handler500
from frontend_site.urls import urlpatterns as ours

from . import views as reports

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("reports", reports.report_list),
    path("reports/new", reports.new_report),
    path("reports/archive", reports.Archive.as_view()),
    path("reports/notes", page("GET", "POST")(reports.Notes.as_view())),
    path("reports/help", TemplateView.as_view(template_name="reports.html")),
    path("reports/payout", reports.payout),
    path("api/reports/summary", reports.summary),
    path("api/reports/unread", reports.unread),
    path("api/reports/basket", reports.basket),
    path("api/reports/plain", reports.plain),
    path("prices", reports.prices),
    path("opening-hours", reports.opening_hours),
    # Not in the docs: mistakes, and unusual but valid views.
    path("staff", reports.staff),
    path("old-style", reports.old_style),
    path("kept", reports.kept),
    path("own", reports.makes_its_own_call),
    path("profile", reports.uses_the_profile),
    path("forgets", reports.forgets_its_call),
    path("forgets/redirect", reports.forgets_and_redirects),
    path("forgets/stream", reports.forgets_and_streams),
    path("forgets/answer", reports.forgets_to_look),
    path("forgets/call", reports.forgets_which_call),
    path("leaves", reports.signs_out_and_fails),
    path("reports.json", reports.summary),
    path("ends-meanwhile", reports.ends_meanwhile),
    path("api/ends-meanwhile", reports.ends_meanwhile),
    path("api/reports/page", reports.new_report),
    path("api/forgets", reports.forgets_under_api),
    path("api/needs-sign-in", reports.asks_to_sign_in),
    path("crash", reports.crash),
    path("asks-twice", reports.asks_twice),
    path("reports/secret", reports.secret),
    path("reports/secret/public", reports.secret_but_public),
    path("reports/secret/hidden", reports.secret_that_is_hidden),
    path("reports/own", reports.secret_with_its_own_call),
    path("reports/recent", reports.recent),
    path("api/reports/secret", reports.secret),
    path("database", reports.asks_the_database),
    *ours,
]
