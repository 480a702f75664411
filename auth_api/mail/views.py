"""`/dev/mail`: the mails that were sent, for developers. The route exists in development only (urls.py)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .sent import sent_mail, sent_mails


@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    return render(request, "dev_mail.html", {"mails": sent_mails()})


@require_safe
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML part alone, as mail programs show it."""
    found = sent_mail(name)
    if found is None:
        raise Http404
    return HttpResponse(found.html)
