"""The routes of the public site."""

from django.urls import URLPattern, URLResolver, path, re_path

from frontend_site import operations
from frontend_site.doctor import doctor
from frontend_site.forward_auth import views as forward_auth

from .events import views as events
from .pages import accounts, activity, factors, mailed_links, second_step, security, sessions
from .pages import views as pages
from .pages.script import gatehouse_js
from .proxy import views as proxy
from .settings.upstreams import NAME
from .site_apps.mounts import app_routes, mounts
from .upstreams.views import upstream

_home = path("", pages.home)
urlpatterns: list[URLPattern | URLResolver] = [
    # What is asked for most comes first: Django tries one after the other.
    path("account", pages.account),
    path("api/auth/session", proxy.session),
    re_path(rf"^api/(?!auth/)(?P<name>{NAME})/[\s\S]*\Z", upstream),
    _home,
    path("login", pages.login),
    path("login/code", second_step.sign_in_code),
    path("login/enrol", second_step.enrol),
    path("login/continue", forward_auth.go_on),
    path("auth/verify", forward_auth.verify),
    path("auth/refused", forward_auth.refused),
    path("auth/signed-out", forward_auth.signed_out),
    path("auth/doctor", doctor),
    path("logout", pages.logout),
    path("register", pages.register),
    path("invitation", mailed_links.accept_invitation),
    path("email/verify", mailed_links.verify_email),
    path("email/confirm", mailed_links.confirm_address),
    path("email/restore", mailed_links.restore_address),
    path("email/resend", accounts.resend_verification),
    path("password/forgot", accounts.forgot_password),
    path("password/reset", mailed_links.reset_password),
    path("sessions/disown", mailed_links.disown_sign_in),
    path("account/password", accounts.change_password),
    path("account/name", accounts.change_name),
    path("account/email", accounts.change_address),
    path("account/data", accounts.export_account),
    path("account/delete", accounts.delete_account),
    path("account/keep", mailed_links.keep_account),
    path("account/sessions", sessions.sessions),
    path("account/factors", factors.factors),
    path("account/factors/app", factors.add_app),
    path("account/factors/codes", factors.recovery_codes),
    path("account/factors/codes/file", factors.recovery_codes_file),
    path("account/security", security.security),
    path("account/activity", activity.activity),
    path("api/auth/csrf", proxy.csrf),
    path("api/auth/login", proxy.login),
    path("api/auth/login/factor", proxy.finish_sign_in),
    path("api/auth/login/enrol", proxy.begin_enrolment),
    path("api/auth/login/enrol/confirm", proxy.finish_enrolment),
    path("api/auth/logout", proxy.logout),
    path("api/auth/events", events.events),
    path("api/auth/sessions", proxy.sessions),
    path("api/auth/sessions/disown", proxy.disown),
    path("api/auth/sessions/revoke-others", proxy.revoke_others),
    path("api/auth/sessions/revoke-all", proxy.revoke_all),
    re_path(r"^api/auth/sessions/(?P<handle>[A-Za-z0-9_-]{16})\Z", proxy.session_detail),
    path("api/auth/factors", proxy.factors),
    path("api/auth/factors/totp", proxy.begin_totp),
    path("api/auth/factors/totp/confirm", proxy.confirm_totp),
    path("api/auth/factors/recovery-codes", proxy.make_recovery_codes),
    path("api/auth/factors/recovery-codes/confirm", proxy.confirm_recovery_codes),
    re_path(r"^api/auth/factors/(?P<handle>[A-Za-z0-9_-]{16})\Z", proxy.factor_detail),
    path("api/auth/security-events", proxy.security_events),
    path("api/auth/reauthenticate", proxy.reauthenticate),
    path("api/auth/register", proxy.register),
    path("api/auth/invitations/accept", proxy.accept_invitation),
    path("api/auth/email/verify", proxy.verify_email),
    path("api/auth/email/resend", proxy.resend_verification),
    path("api/auth/email/change", proxy.change_address),
    path("api/auth/email/confirm", proxy.confirm_address),
    path("api/auth/email/restore", proxy.restore_address),
    path("api/auth/password/forgot", proxy.forgot_password),
    path("api/auth/password/reset", proxy.reset_password),
    path("api/auth/password/change", proxy.change_password),
    path("api/auth/account", proxy.account),
    path("api/auth/account/keep", proxy.keep_account),
    path("api/auth/account/export", proxy.export_account),
    path("gatehouse.js", gatehouse_js),
    path(".well-known/jwks.json", proxy.jwks),
    path(".well-known/change-password", accounts.find_change_password),
    path("healthz", operations.healthz),
    path("readyz", operations.readyz),
    path("metrics", operations.metrics),
]
urlpatterns += app_routes()
if any(mount.prefix == "/" for mount in mounts()):  # its home page comes before ours
    urlpatterns.remove(_home)
    urlpatterns.append(_home)

handler400 = "frontend_site.problems.bad_request"
handler403 = "frontend_site.problems.permission_denied"
handler404 = "frontend_site.problems.page_not_found"
handler500 = "frontend_site.problems.server_error"
