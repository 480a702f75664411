"""Every route of the public port."""

from django.urls import path, re_path

from . import operations
from .pages import sessions
from .pages import views as pages
from .proxy import views as proxy

urlpatterns = [
    path("", pages.home),
    path("login", pages.login),
    path("logout", pages.logout),
    path("register", pages.register),
    path("email/verify", pages.verify_email),
    path("account", pages.account),
    path("account/sessions", sessions.sessions),
    path("api/auth/csrf", proxy.csrf),
    path("api/auth/login", proxy.login),
    path("api/auth/logout", proxy.logout),
    path("api/auth/session", proxy.session),
    path("api/auth/sessions", proxy.sessions),
    path("api/auth/sessions/revoke-others", proxy.revoke_others),
    path("api/auth/sessions/revoke-all", proxy.revoke_all),
    re_path(r"^api/auth/sessions/(?P<handle>[A-Za-z0-9_-]{16})\Z", proxy.session_detail),
    path("api/auth/reauthenticate", proxy.reauthenticate),
    path("api/auth/register", proxy.register),
    path("api/auth/email/verify", proxy.verify_email),
    path("healthz", operations.healthz),
    path("readyz", operations.readyz),
]

handler400 = "frontend_site.problems.bad_request"
handler403 = "frontend_site.problems.permission_denied"
handler404 = "frontend_site.problems.page_not_found"
handler500 = "frontend_site.problems.server_error"
