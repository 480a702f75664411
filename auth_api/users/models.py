"""The user model: an e-mail address, a password hash, and the fields of the session engine."""

import uuid
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.utils import timezone

from auth_api.sessions.pending import SignInPurpose
from auth_api.sessions.snapshots import erase_sessions, fence_locked_users, fence_user
from auth_api.sessions.tokens import new_ref
from auth_api.times import in_utc

from . import factor_policy
from .acts import require_unreserved
from .addresses import MAX_LENGTH, AddressField, AsciiLower, canonical_address
from .changes import RECORDED, record_changes
from .factor_models import RecoveryCode as RecoveryCode
from .factor_models import TotpDevice as TotpDevice
from .invitations import Invitation as Invitation
from .names import validate_name

# A change of these ends every session of the user; a change of the others changes the snapshot.
_ENDING = frozenset({"email", "password", "is_active", "session_ref", "deletion_at"})
_IN_SNAPSHOT = frozenset(
    {"name", "email_verified", "is_staff", "date_joined", "session_epoch", "has_second_factor"}
)
_WATCHED = _ENDING | _IN_SNAPSHOT | RECORDED


class UserQuerySet(models.QuerySet["User"]):
    """Bulk changes keep the promise too: they fence the snapshots and raise the epochs."""

    def update(self, **values: object) -> int:
        changed = _WATCHED & set(values)
        if not changed:
            return super().update(**values)
        with transaction.atomic():
            # Whole rows only for the log: to make objects of them is most of the time.
            users = list(self._locked()) if changed & RECORDED else []
            refs = [u.session_ref for u in users] if changed & RECORDED else self._locked_refs()
            fence_locked_users(refs)
            if changed & _ENDING:
                values["session_epoch"] = models.F("session_epoch") + 1
            updated = super().update(**values)
            for user in users:
                record_changes(user, user._stored, values)
            return updated

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            refs = self._locked_refs()
            fence_locked_users(refs)
            for ref in refs:
                transaction.on_commit(partial(erase_sessions, ref))
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def _locked(self) -> "UserQuerySet":
        """Lock the rows, in one order, so that two bulk changes cannot wait for each other."""
        return self.select_for_update().order_by("pk")

    def _locked_refs(self) -> list[str]:
        return list(self._locked().values_list("session_ref", flat=True))


class UserManager(BaseUserManager["User"]):
    """Makes users; `get_by_natural_key` takes any spelling of an address."""

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=canonical_address(username or ""))

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Make a user; without `password` nobody can sign in. Raises ValidationError."""
        user = self.model(email=canonical_address(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Make a verified user with every right (the `createsuperuser` command)."""
        fields = {"email_verified": True, **fields, "is_staff": True, "is_superuser": True}
        return self.create_user(email, password, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """One account. `session_epoch` is the truth about which sessions may live."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = AddressField(max_length=MAX_LENGTH, unique=True)
    name = models.CharField(max_length=150, blank=True)
    email_verified = models.BooleanField(default=False)
    is_staff = models.BooleanField("may use the admin", default=False)
    is_active = models.BooleanField(
        "active", default=True, help_text="Clear this instead of deleting; it ends all sessions."
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    session_ref = models.CharField(max_length=16, unique=True, default=new_ref, editable=False)
    session_epoch = models.PositiveIntegerField(default=1, editable=False)
    # Counted up with each link that is asked for: only the newest of its kind is good (tokens.py).
    reset_serial = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    address_serial = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # Whether a device is in use; written with the devices (users/factors/), in one transaction.
    has_second_factor = models.BooleanField(default=False, db_default=False, editable=False)
    # By `require_enrolment`: without a factor, a sign-in may only enrol, whatever the policy says.
    must_enrol = models.BooleanField(default=False, db_default=False, editable=False)
    # When the policy first met the user without a factor: its grace counts from here (factor_policy.py).
    second_factor_asked_at = models.DateTimeField(null=True, editable=False)

    # When the account is deleted, as its owner asked (flows/deletion.py); None for one that stays.
    deletion_at = models.DateTimeField(null=True, default=None, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []  # noqa: RUF012 - Django's own attribute

    objects = UserManager()

    class Meta:
        ordering = ("email",)
        indexes = (
            models.Index(
                fields=("deletion_at",),
                condition=models.Q(deletion_at__isnull=False),
                name="accounts_to_delete",
            ),
            models.Index(fields=("date_joined",), name="users_by_age"),
        )
        constraints = (
            models.UniqueConstraint(
                AsciiLower("email"),
                name="one_account_per_address",
                violation_error_message="User with this Email already exists.",
            ),
        )

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        self.email = canonical_address(self.email)
        validate_name(self.name)
        require_unreserved(self.email, except_for=self.pk)

    @property
    def is_registration(self) -> bool:
        """Whether a stranger made this row and nobody has proved the address: else it is not touched.

        A row without a usable password was made by staff: whoever registers its address first must not
        be the one who chooses the password.
        """
        made_by_staff = self.is_staff or self.is_superuser or not self.has_usable_password()
        return self.is_active and not self.email_verified and not made_by_staff

    @property
    def may_have_sessions(self) -> bool:
        """Whether sessions of this account can start and be valid."""
        return self.is_active and self.deletion_at is None

    def public_profile(self) -> dict[str, Any]:
        """Return the `user` shape of the contract, ready for JSON."""
        return {
            "id": str(self.id),
            "email": self.email,
            "name": self.name,
            "email_verified": self.email_verified,
            "is_staff": self.is_staff,
            "date_joined": in_utc(self.date_joined),
            "groups": self.group_names(),
            **self._second_factor_by(),
        }

    def required_step(self, *, grace: bool = True) -> SignInPurpose | None:
        """Return what a sign-in of this user needs beside the password, None for nothing.

        Every maker of sessions asks this (sessions/saving.py). `grace` False: no days of grace.
        """
        return factor_policy.required_step(self, grace=grace)

    def _second_factor_by(self) -> dict[str, str]:
        due = factor_policy.due_at(self)
        return {"second_factor_by": in_utc(due)} if due else {}

    def group_names(self) -> list[str]:
        """Return the names of the user's groups, sorted by code point, as every reader compares them."""
        # `listed_groups`: of many users, read with them (sessions/snapshots.py).
        groups = self.__dict__.get("listed_groups")
        return sorted(group.name for group in (self.groups.all() if groups is None else groups))

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name or self.email

    def get_session_auth_hash(self) -> str:
        """Django's check that a session is of this password: our epoch, raised at each change.

        The payload that holds it is encrypted and never leaves the server.
        """
        return str(self.session_epoch)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return iter(())

    # -- what keeps the session engine's promise ------------------------------------------------

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._stored: dict[str, Any] = {}  # values as the database had them when we last looked

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> "User":
        user = super().from_db(*args, **kwargs)
        user._stored = user._values()
        return user

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None,
        from_queryset: Any = None,
    ) -> None:  # fmt: skip
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        self._mark_stored(fields)

    def save(
        self, *, force_insert: Any = False, update_fields: Iterable[str] | None = None,
        sign_in: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        """Write what this object changed, and nothing else.

        `sign_in`: as for `record_changes`.

        An object that was read before somebody else ended the user's sessions, changed the password
        or switched the account off must not write the old values back.
        """
        if self._state.adding or force_insert:
            super().save(force_insert=force_insert, update_fields=update_fields, **options)
            self._mark_stored(None)
        else:
            self._save_changes(update_fields, sign_in, options)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            fence_user(self)
            transaction.on_commit(partial(erase_sessions, self.session_ref))
            return super().delete(*args, **kwargs)

    def raise_session_epoch(self) -> None:
        """End every session. Call inside a transaction, after `fence_user`."""
        models.QuerySet.update(self._row(), session_epoch=models.F("session_epoch") + 1)
        self.refresh_from_db(fields=["session_epoch"])

    def rehash_password(self, raw_password: str) -> None:
        """Store the same password under the newest parameters: no change, so no session ends.

        Only over the hash that was verified: a password that was changed meanwhile stays.
        """
        hashed = make_password(raw_password)
        with transaction.atomic():  # a commit heeds the caller's deadline
            models.QuerySet.update(self._row().filter(password=self.password), password=hashed)
        self.password = hashed
        self._mark_stored({"password"})

    def _row(self) -> Any:
        return type(self)._default_manager.filter(pk=self.pk)

    def _values(self) -> dict[str, Any]:
        names = (field.attname for field in self._meta.concrete_fields)
        return {name: self.__dict__[name] for name in names if name in self.__dict__}

    def _mark_stored(self, names: Iterable[str] | None) -> None:
        values = self._values()
        chosen = values.keys() if names is None else values.keys() & set(names)
        self._stored = {**self._stored, **{name: values[name] for name in chosen}}

    def _save_changes(
        self, only: Iterable[str] | None, sign_in: str | None, options: dict[str, Any]
    ) -> None:
        changed = {
            n for n, v in self._values().items() if n not in self._stored or self._stored[n] != v
        }
        changed -= {"session_epoch"}  # raised in the database only
        if only is not None:
            changed &= set(only)
        with transaction.atomic():
            if changed & _WATCHED:
                fence_user(self)
            super().save(update_fields=changed, **options)
            written = {n: self.__dict__[n] for n in changed}
            record_changes(self, self._stored, written, sign_in)
            if changed & _ENDING:
                self.raise_session_epoch()
        self._mark_stored(changed)
