"""Applies a response of auth_api to the browser: session cookie, CSRF token and user."""

from frontend_site.backend.client import Answer
from frontend_site.session_token import SessionToken
from frontend_site.site_request import SiteRequest
from gatehouse.cookies import SESSION_COOKIE

# "cookies" would sign the whole registrable domain out of everything.
CLEAR_SITE_DATA = '"cache", "storage"'


def relay_cookies(request: SiteRequest, answer: Answer) -> None:
    """Pass on the Set-Cookie lines of `answer`; from now on the request has the session that they set.

    Call it before a page is rendered: its form must carry the new token.
    """
    if answer.status >= 500:
        return  # unknown: no cookie is touched
    request.auth_cookies.extend(answer.set_cookie)
    for line in answer.set_cookie:
        name, _, rest = line.partition("=")
        if name.strip() == SESSION_COOKIE:
            request.session_token = SessionToken.parse(rest.partition(";")[0].strip())
            request.csrf.rebind(request.session_token)
            request.session_check.start_again(answer)
            request.user = request.session_check.lazy_user()
