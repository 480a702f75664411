"""Gatehouse's middleware, without which the site does not start (frontend_site/checks.py)."""

# Outermost first. WhiteNoise answers requests for static files before anything reads a cookie.
OURS = (
    "frontend_site.middleware.request_id.RequestIdMiddleware",
    "frontend_site.middleware.security_headers.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "frontend_site.middleware.request_shape.RequestShapeMiddleware",
    "frontend_site.middleware.host.HostMiddleware",
    "frontend_site.middleware.problems.ProblemMiddleware",
    "frontend_site.middleware.session_cookie.SessionCookieMiddleware",
    "frontend_site.middleware.same_site.SameSiteReloadMiddleware",
    "frontend_site.middleware.session_cookie.SessionCookieRequiredMiddleware",
    "frontend_site.middleware.csrf.SignedCsrfMiddleware",
    "frontend_site.middleware.reauthentication.ReauthenticationMiddleware",
    "frontend_site.middleware.valid_session.ValidSessionMiddleware",
)
# Innermost, in a site with apps.
LATE_BODY = "frontend_site.middleware.late_body.LateBodyMiddleware"
