"""Each way in which Django developers write views, for test_django_ways.py."""

import hashlib
import hmac
import json
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required, user_passes_test
from django.contrib.auth.mixins import LoginRequiredMixin, UserPassesTestMixin
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.views.generic import CreateView, ListView, View
from rest_framework import serializers, viewsets
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.views import APIView

from frontend_site.views import SiteRequest, accepts, csp, endpoint, page, require_level, webhook

from .models import Book

SECRET = b"shared with the provider"


class BookList(LoginRequiredMixin, ListView):
    template_name = "shelf/list.html"

    def get_queryset(self) -> Any:
        return Book.objects.filter(owner=self.request.user)


class BookCreate(CreateView):
    model = Book
    fields = ("title",)
    template_name = "shelf/form.html"
    success_url = "/shelf/ways/list"

    def form_valid(self, form: Any) -> HttpResponse:
        form.instance.owner = self.request.user.pk
        messages.success(self.request, f"{form.instance.title} is on your shelf.")
        return super().form_valid(form)


class UploadForm(forms.Form):
    title = forms.CharField(max_length=100)
    scan = forms.FileField()


@accepts("multipart/form-data", limit="1MiB")
class Upload(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return HttpResponse(form.errors.as_text(), status=422)
        return HttpResponse(f"{form.cleaned_data['scan'].size} bytes for {request.user}")


class TitleForm(forms.Form):
    title = forms.CharField(max_length=100)


TitleFormSet = forms.formset_factory(TitleForm, extra=30)


@page("GET", "POST")
def titles(request: SiteRequest) -> HttpResponse:
    formset = TitleFormSet(request.POST or None)
    if request.method == "POST" and formset.is_valid():
        return HttpResponse(
            ", ".join(form.cleaned_data["title"] for form in formset.forms if form.cleaned_data)
        )
    return render(request, "shelf/formset.html", {"formset": formset})


@login_required
def required(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"for {request.user}")


@user_passes_test(lambda user: user.is_staff)
def staff(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for staff")


class Mine(UserPassesTestMixin, View):
    raise_exception = True

    def test_func(self) -> bool:
        return self.request.user.is_staff

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("for staff")


@login_not_required
def anybody(request: HttpRequest) -> HttpResponse:
    messages.info(request, "Hello")
    same = request.user.is_anonymous == AnonymousUser().is_anonymous
    return HttpResponse(f"for {request.user}, {same}")


@csp(img="https://tiles.example.com data:", frame="https://pay.example.com")
def with_map(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>a map</p>")


@webhook()
@accepts("text/plain", limit="200KiB")
def paid(request: SiteRequest) -> HttpResponse:
    signature = hmac.new(SECRET, request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("X-Signature", "")):
        raise PermissionDenied
    return JsonResponse({"cookies": request.COOKIES, "user": str(request.user)})


@endpoint("GET", "POST")
def summary(request: SiteRequest) -> HttpResponse:
    given = json.loads(request.body) if request.method == "POST" else None
    return JsonResponse({"of": request.user.email, "given": given})


class ApiSummary(APIView):
    def get(self, request: Any) -> Response:
        return Response({"of": request.user.email})

    def post(self, request: Any) -> Response:
        return Response({"given": request.data}, status=201)


@require_level("aal1", max_age=60)
@page("GET")
def recent(request: SiteRequest) -> HttpResponse:
    return HttpResponse("You have just signed in.")


@api_view(["GET"])
@require_level("aal2")  # hidden from the middleware by api_view
def api_secret(request: Any) -> Response:
    return Response({"of": request.user.email})


class ApiPublic(APIView):
    def get(self, request: Any) -> Response:
        return Response({"of": str(request.user)})


class BookSerializer(serializers.ModelSerializer):
    class Meta:
        model = Book
        fields = ("id", "title")


@endpoint()
class Books(viewsets.ModelViewSet):
    serializer_class = BookSerializer

    def get_queryset(self) -> Any:
        return Book.objects.filter(owner=self.request.user)

    def perform_create(self, serializer: Any) -> None:
        serializer.save(owner=self.request.user.pk)


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


urlpatterns = [
    path("list", BookList.as_view()),
    path("new", BookCreate.as_view()),
    path("upload", Upload.as_view()),
    path("upload/own", page("POST", session="own-call")(Upload.as_view())),
    path("titles", titles),
    path("required", required),
    path("staff", staff),
    path("mine", Mine.as_view()),
    path("anybody", anybody),
    path("map", with_map),
    path("recent", recent),
    path("paid", paid),
    path("summary", summary),
    path("api/summary", endpoint()(ApiSummary.as_view())),
    path("api/secret", api_secret),
    path("api/books", Books.as_view({"get": "list", "post": "create"})),
    path("api/undeclared", ApiSummary.as_view()),
    path("api/public", endpoint(public=True)(ApiPublic.as_view())),
    path("plain", plain),
]
