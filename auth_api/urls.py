"""The routes of auth_api."""

from django.contrib import admin
from django.urls import path, re_path

from . import operations
from .api import (
    accounts,
    events,
    factors,
    identity,
    login,
    own_account,
    passwords,
    security,
    sessions,
    site_data,
)  # fmt: skip
from .mail import views as mail
from .options import options
from .users.admin.own_password import change_own_password

urlpatterns = [
    path("v1/session", login.session),  # first: what every page asks
    path("v1/session/data", site_data.change),
    path("v1/login", login.login),
    path("v1/login/factor", login.finish),
    path("v1/login/enrol", login.begin_enrolling),
    path("v1/login/enrol/confirm", login.finish_enrolling),
    path("v1/logout", login.logout),
    path("v1/reauthenticate", login.reauthenticate),
    path("v1/sessions", sessions.session_list),
    path("v1/sessions/disown", sessions.disown),
    path("v1/sessions/revoke-others", sessions.revoke_others),
    path("v1/sessions/revoke-all", sessions.revoke_all),
    re_path(r"^v1/sessions/(?P<handle>[A-Za-z0-9_-]{16})$", sessions.session_detail),
    path("v1/factors", factors.factors),
    path("v1/factors/totp", factors.begin_totp),
    path("v1/factors/totp/confirm", factors.confirm_totp),
    path("v1/factors/recovery-codes", factors.make_recovery_codes),
    path("v1/factors/recovery-codes/confirm", factors.confirm_recovery_codes),
    re_path(r"^v1/factors/(?P<handle>[A-Za-z0-9_-]{16})$", factors.factor),
    path("v1/security-events", security.security_events),
    path("v1/events", events.events),
    path("v1/register", accounts.register),
    path("v1/invitations/accept", accounts.accept),
    path("v1/email/verify", accounts.verify),
    path("v1/email/resend", accounts.resend),
    path("v1/email/change", accounts.change_address),
    path("v1/email/confirm", accounts.confirm),
    path("v1/email/restore", accounts.restore),
    path("v1/password/forgot", passwords.forgot),
    path("v1/password/reset", passwords.reset),
    path("v1/password/change", passwords.change),
    path("v1/account", own_account.account),
    path("v1/account/keep", own_account.keep),
    path("v1/account/export", own_account.export),
    path("v1/ready", operations.ready),
    path("v1/identity", identity.identity),
    path("v1/.well-known/jwks.json", identity.jwks),
    path("healthz", operations.healthz),
    path("readyz", operations.readyz),
    path("metrics", operations.metrics),
    path("admin/password_change/", admin.site.admin_view(change_own_password)),
    path("admin/", admin.site.urls),
]

# Whoever sees these mails can take over the accounts, so elsewhere there is no such route.
if options().environment == "development":
    urlpatterns += [
        path("dev/mail", mail.mails),
        re_path(r"^dev/mail/(?P<name>[0-9-]+)$", mail.mail),
    ]

handler400 = "auth_api.problems.bad_request"
handler403 = "auth_api.problems.permission_denied"
handler404 = "auth_api.problems.page_not_found"
handler500 = "auth_api.problems.server_error"
