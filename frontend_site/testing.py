"""For tests of apps: a test client whose user is signed in without auth_api (docs/how-to/adopting.md).

    class NoteTests(TestCase):
        client_class = SiteClient

        def test_a_note_is_its_owners(self):
            self.client.sign_in(SignedIn("ada@example.com", groups=["editors"]))
            self.client.post("/notes/new", {"text": "Milk"})

Requests pass through the whole of this site, as those of a browser: gates, CSRF, limits of bodies.
"""

import secrets
from dataclasses import replace
from typing import Any

from django.test import Client, override_settings
from django.test.client import MULTIPART_CONTENT
from django.utils.http import urlencode

from frontend_site.backend.client import auth_api
from frontend_site.fake_auth_api import SignedIn, fake_auth_api
from frontend_site.middleware.csrf import csrf_signer
from frontend_site.options import options
from frontend_site.security.csrf import binding_of
from frontend_site.session_token import SessionToken
from gatehouse.cookies import CSRF_COOKIE, SESSION_COOKIE

__all__ = ["SignedIn", "SiteClient"]

_FORM = "application/x-www-form-urlencoded"
_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


class SiteClient(Client):
    """Django's test client, with what a browser on this site sends along.

    Unsafe requests carry their CSRF token, unless `enforce_csrf_checks` is True.
    """

    def sign_in(self, user: SignedIn | None = None) -> SignedIn:
        """Sign in `user` (anybody, if none is given), and return it."""
        user = user or SignedIn()
        token = f"{secrets.token_urlsafe(12)}.{secrets.token_urlsafe(32)}"
        fake_auth_api().users[token] = user
        self.cookies[SESSION_COOKIE] = token
        return user

    @property
    def session(self) -> dict[str, Any]:  # type: ignore[override]
        """What `request.session` holds for the signed-in user. A test may change it between two requests."""
        return fake_auth_api().data[self.cookies[SESSION_COOKIE].value]

    def force_login(self, user: Any, backend: str | None = None) -> None:
        """Sign in a `SignedIn`, as Django's client does with its users."""
        self.sign_in(user)

    def logout(self) -> None:
        """Forget who is signed in."""
        self.cookies.pop(SESSION_COOKIE, None)

    def post(
        self,
        path: Any,
        data: Any = None,
        content_type: str = MULTIPART_CONTENT,
        *args: Any,
        **extra: Any,
    ) -> Any:
        """Send a form as browsers do: as multipart/form-data only if it has a file."""
        if content_type == MULTIPART_CONTENT and not any(map(_is_file, (data or {}).values())):
            data, content_type = urlencode(data or {}, doseq=True), _FORM
        return super().post(path, data, content_type, *args, **extra)

    def request(self, **request: Any) -> Any:
        """Send a request while the fake stands for auth_api."""
        if (
            request.get("REQUEST_METHOD", "GET") not in _SAFE
            and not self.handler.enforce_csrf_checks
        ):
            request = {**self._of_our_page(), **request}
        # No proxy is in front of a test, whatever the variables say.
        ours = replace(options(), auth_api_url=fake_auth_api().url, proxy_hops=0)
        with override_settings(GATEHOUSE=ours):
            auth_api.cache_clear()
            try:
                return super().request(**request)
            finally:
                auth_api.cache_clear()

    def _of_our_page(self) -> dict[str, str]:
        """Return the headers of a script of our page; they are good for forms, too."""
        cookie = self.cookies.get(SESSION_COOKIE)
        session = SessionToken.parse(cookie.value) if cookie else None
        token = csrf_signer().issue(binding_of(session))
        self.cookies[CSRF_COOKIE] = token
        return {
            "HTTP_X_CSRF_TOKEN": token,
            "HTTP_SEC_FETCH_SITE": "same-origin",
            "HTTP_ORIGIN": options().public_origin,
        }


def _is_file(value: Any) -> bool:
    return hasattr(value, "read")
