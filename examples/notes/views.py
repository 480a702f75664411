import hashlib
import hmac
import json
import os

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.views.generic import CreateView, ListView

from frontend_site.views import SiteRequest, accepts, endpoint, group_required, page, webhook

from .models import Note


class NoteList(ListView):
    template_name = "notes/list.html"

    def get_queryset(self):
        return Note.objects.filter(owner=self.request.user)


@accepts("multipart/form-data", limit="2MiB")
class NoteCreate(CreateView):
    model = Note
    fields = ("text", "attachment")
    template_name = "notes/form.html"
    success_url = reverse_lazy("notes:list")

    def form_valid(self, form):
        form.instance.owner = self.request.user.id
        messages.success(self.request, "Your note is saved.")
        return super().form_valid(form)


@page("POST")
def delete(request: SiteRequest, pk: int) -> HttpResponse:
    get_object_or_404(Note, pk=pk, owner=request.user).delete()
    return redirect("notes:list")


def attachment(request: SiteRequest, pk: int) -> FileResponse:
    note = get_object_or_404(Note.objects.exclude(attachment=""), pk=pk, owner=request.user)
    return FileResponse(note.attachment.open(), as_attachment=True)


@endpoint("GET")
def count(request: SiteRequest) -> JsonResponse:
    return JsonResponse({"notes": Note.objects.filter(owner=request.user).count()})


@group_required("editors")
def everything(request: SiteRequest) -> HttpResponse:
    return render(request, "notes/everything.html", {"notes": Note.objects.all()})


@webhook()
def reminder(request: SiteRequest) -> JsonResponse:
    secret = os.environ.get("NOTES_SECRET", "").encode()
    expected = hmac.new(secret, request.body, hashlib.sha256).hexdigest()
    if not secret or not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        raise PermissionDenied
    given = json.loads(request.body)
    note = Note.objects.create(owner=given["owner"], text=given["text"])
    return JsonResponse({"id": note.pk}, status=201)
