from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import path


@login_required
def count(request: HttpRequest) -> HttpResponse:
    """Say who it is, and count the forms of the session."""
    session: Any = request.session
    if request.method == "POST":
        session["forms"] = session.get("forms", 0) + 1
    user: Any = request.user
    return HttpResponse(f"{user.username} {session.get('forms', 0)} {get_token(request)}")


def no_account(request: HttpRequest) -> HttpResponse:
    return HttpResponse("You have no account in this application.", status=403)


urlpatterns = [path("count", count), path("no-account", no_account, name="no-account")]
