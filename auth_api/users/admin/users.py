"""Users in the admin: the list, the page of one, and their actions."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse

from auth_api.admin_lists import DatedChangeList
from auth_api.security_log.kinds import Kind
from auth_api.security_log.origin import because
from auth_api.security_log.recording import record_change
from auth_api.users.models import User

from .actions import ACTIONS, DELETE, StaffAction
from .panels import panels_of
from .rights import may_change
from .runs import FROM_PAGE, REASON_HELP, REASON_LENGTH, run
from .session_end import ending_of
from .support import Support, support_for


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """Also asks for a reason."""

    reason = forms.CharField(
        max_length=REASON_LENGTH, help_text=REASON_HELP, label="Reason for the change"
    )


class UserList(DatedChangeList):
    """Reads what support wants to know for the listed page only."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        users = list(self.result_list)
        found = support_for(users)
        for user in users:
            user.support = found[user.pk]
        self.result_list = users


def _in_list(action: StaffAction) -> Callable[..., HttpResponse]:
    """Return `action` as Django's list calls it, with the selected users."""

    @admin.action(description=action.label, permissions=[action.permission])
    def chosen(
        model_admin: "UserAdmin", request: HttpRequest, users: QuerySet[User]
    ) -> HttpResponse:
        back = request.get_full_path()
        if request.POST.get(FROM_PAGE):
            back = reverse("admin:users_user_change", args=[users.get().pk])
        return run(action, request, users, back=back)

    chosen.__name__ = action.name
    return chosen


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What staff see and change. `panels.py` has what the page of a user shows above the form."""

    form = UserForm
    list_display = (
        "email", "name", "status", "confirmed", "last_sign_in", "live_sessions", "delayed", "joined",
    )  # fmt: skip
    list_filter = ("is_active", "email_verified", "is_staff", "is_superuser", "groups")
    list_per_page = 100
    sortable_by = ("email", "joined")  # by an index each
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count all rows, for each filter
    change_list_template = "admin/dated_change_list.html"
    search_fields = ("email", "name")
    date_hierarchy = "date_joined"
    readonly_fields = ("id", "date_joined", "session_epoch")
    filter_horizontal = ("groups", "user_permissions")
    actions = tuple(_in_list(action) for action in ACTIONS)
    # What the list's own links ask for, and nothing else: Django lets every column of the row be
    # searched, so `?password__startswith=` would spell out hashes, one answer at a time.
    lookups = frozenset(
        {"groups__id__exact"}
        | {f"{name}__{kind}" for name in list_filter for kind in ("exact", "isnull")}
    )
    date_lookups = frozenset(f"date_joined__{k}" for k in ("year", "month", "day", "gte", "lt"))

    # -- the list ------------------------------------------------------------------------------

    @admin.display(description="status")
    def status(self, user: User) -> str:
        return _support(user).status

    @admin.display(description="confirmed", boolean=True)
    def confirmed(self, user: User) -> bool:
        return user.email_verified

    @admin.display(description="last sign-in (UTC)")
    def last_sign_in(self, user: User) -> str:
        return _support(user).last_sign_in_words

    @admin.display(description="sessions")
    def live_sessions(self, user: User) -> str:
        return _support(user).sessions_words

    @admin.display(description="throttled")
    def delayed(self, user: User) -> str:
        return _support(user).delays_words

    @admin.display(description="joined", ordering="date_joined")
    def joined(self, user: User) -> str:
        return f"{user.date_joined:%Y-%m-%d}"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UserList]:
        return UserList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Refuse actions that this member of the staff does not have; Django would just show the list."""
        named = request.POST.get("action")
        known = {action.name for action in ACTIONS}
        if named in known and named not in self.get_actions(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Find an address by any spelling, as the sign-in does."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return found, may_repeat
        return found | queryset.filter(email=search_term), may_repeat

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in self.lookups | self.date_lookups

    # -- the page of one user ------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return what is shown: for those who cannot change groups and permissions, their names."""
        fields = ["email", "name", "email_verified", "is_active", "is_staff", "is_superuser"]
        if request.user.is_superuser:
            fields += ["groups", "user_permissions"]
        elif obj:
            fields += ["group_names", "permission_names"]
        fields += ["id", "date_joined", "session_epoch"] if obj else []
        return [*fields, "reason"] if self._asks_why(request, obj) else fields

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Let only superusers grant permissions: otherwise staff could promote themselves.

        Only superusers change addresses, too: whoever reads that mail can take over the account.
        """
        fields = [*super().get_readonly_fields(request, obj), "group_names", "permission_names"]
        if obj == request.user:  # staff change their own address on the site, which verifies it
            fields += ["email", "email_verified"]
        if not request.user.is_superuser:
            fields += ["is_staff", "is_superuser"]
            fields += ["email", "email_verified"] if obj else []
        return fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # fmt: skip
        form = self.form if self._asks_why(request, obj) else forms.ModelForm
        return super().get_form(request, obj, change, **{"form": form, **kwargs})

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Read the permissions with their content types, which their names contain."""
        if db_field.name == "user_permissions":
            kwargs["queryset"] = Permission.objects.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="groups")
    def group_names(self, user: User) -> str:
        return ", ".join(user.group_names())

    @admin.display(description="user permissions")
    def permission_names(self, user: User) -> str:
        return ", ".join(map(str, user.user_permissions.select_related("content_type")))

    def render_change_form(
        self, request: HttpRequest, context: Any, add: bool = False, change: bool = False,
        form_url: str = "", obj: User | None = None,
    ) -> HttpResponse:  # fmt: skip
        if obj:
            context["panels"] = panels_of(self, request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with because(form.cleaned_data.get("reason", "")):
            if change:
                super().save_model(request, obj, form, change)
                return
            obj.set_unusable_password()  # its owner sets one by a mailed link
            super().save_model(request, obj, form, change)
            record_change(obj, Kind.CREATED)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with because(form.cleaned_data.get("reason", "")):
            super().save_related(request, form, formsets, change)

    # -- one user's actions --------------------------------------------------------------------

    def get_urls(self) -> Any:
        end = self.admin_site.admin_view(self.end_session)
        route = "<uuid:user_id>/sessions/<str:handle>/end/"
        return [path(route, end, name="users_user_end_session"), *super().get_urls()]

    def end_session(self, request: HttpRequest, user_id: UUID, handle: str) -> HttpResponse:
        """Ask why, and end one session of a user."""
        user = self.get_object(request, str(user_id))
        if user is None:
            raise Http404
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        back = reverse("admin:users_user_change", args=[user.pk])
        return run(ending_of(handle), request, User.objects.filter(pk=user.pk), back=back)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Ask why, and delete one user, as the action of the list does."""
        user = self.get_object(request, object_id)
        if user is None:
            raise Http404
        if not self.has_delete_permission(request, user):
            raise PermissionDenied
        back = reverse("admin:users_user_changelist")
        return run(DELETE, request, User.objects.filter(pk=user.pk), back=back)

    # -- rights --------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_change(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self.has_change_permission(
            request, obj
        )

    def _asks_why(self, request: HttpRequest, obj: User | None) -> bool:
        """Whether the form has a reason: for every account but one's own."""
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return may and obj != request.user


def _support(user: User) -> Support:
    """Return what the list has read of a listed user (UserList)."""
    support: Support = user.support  # type: ignore[attr-defined]
    return support
