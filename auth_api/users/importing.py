"""Imports users from elsewhere, with the password hashes that they have there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_for_each

from .acts import require_unreserved
from .addresses import address_key, canonical_address
from .models import User
from .names import validate_name
from .passwords.hashing import can_be_checked

COLUMNS = ("email", "name", "password", "email_verified", "is_active", "date_joined", "old_id")
BATCH = 500  # users in one transaction
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_LONGEST_HASH = 128  # characters: the column's
_NO_HASH = (
    "the password is not a hash that Gatehouse can check. Export Django's hash (argon2, pbkdf2_sha256, "
    "pbkdf2_sha1 or scrypt); leave it empty for users who are to set a new password."
)


@dataclass(frozen=True)
class Row:
    """One user of the file: the values by column, without the empty ones."""

    line: int
    values: Mapping[str, object]


@dataclass
class Plan:
    """What an import does: accounts to create, accounts that are there, and lines that are wrong."""

    new: list[User]
    ids: list[tuple[str, str, str]]  # old id, new id, address, in the order of the file
    faults: list[str]


def plan_import(rows: Sequence[Row]) -> Plan:
    """Return what importing `rows` would do. Reads the database, and changes nothing."""
    plan = Plan([], [], [])
    seen: dict[str, int] = {}  # lines by address and by old id
    for start in range(0, len(rows), BATCH):
        batch = list(_checked(rows[start : start + BATCH], seen, plan.faults))
        there = _accounts(user.email for _, user in batch)
        for row, user in batch:
            _plan_one(plan, row, user, there.get(address_key(user.email)))
    return plan


def create_users(users: Sequence[User]) -> None:
    """Store new users, and the event of each. Raises IntegrityError if an address was taken meanwhile."""
    for start in range(0, len(users), BATCH):
        batch = users[start : start + BATCH]
        with transaction.atomic():
            User.objects.bulk_create(batch)
            record_for_each(Kind.CREATED, [user.pk for user in batch])


def _checked(
    rows: Sequence[Row], seen: dict[str, int], faults: list[str]
) -> Iterator[tuple[Row, User]]:
    for row in rows:
        try:
            user = user_of_row(row.values)
            _require_first(row, user, seen)
        except ValidationError as error:
            faults.append(f"line {row.line}: {' '.join(error.messages)}")
        else:
            yield row, user


def _plan_one(plan: Plan, row: Row, user: User, there: User | None) -> None:
    if there is not None and there.is_registration:
        plan.faults.append(
            f"line {row.line}: somebody has registered {user.email} and not confirmed it. Delete that account in the "
            "admin, or wait until it is confirmed or pruned."
        )
        return
    try:
        if there is None:
            require_unreserved(user.email)
            plan.new.append(user)
    except ValidationError as error:
        plan.faults.append(f"line {row.line}: {' '.join(error.messages)}")
    plan.ids.append((str(row.values.get("old_id", "")), str((there or user).pk), user.email))


def _require_first(row: Row, user: User, seen: dict[str, int]) -> None:
    """Raise ValidationError if an earlier line has the same address or the same old id."""
    keys = {f"address {user.email}": f"address {address_key(user.email)}"}
    if old_id := row.values.get("old_id"):
        keys[f"old_id {old_id}"] = f"old_id {old_id}"
    for shown, key in keys.items():
        if key in seen:
            raise ValidationError(f"the {shown} is already in line {seen[key]}.")
        seen[key] = row.line


def _accounts(addresses: Iterator[str]) -> dict[str, User]:
    return {
        address_key(user.email): user for user in User.objects.filter(email__in=list(addresses))
    }


def user_of_row(values: Mapping[str, object]) -> User:
    """Return the user that `values` describe, not stored. Raises ValidationError."""
    if unknown := sorted(set(values) - set(COLUMNS)):
        raise ValidationError(f"there is no column {unknown[0]!r}. Use {', '.join(COLUMNS)}.")
    user = User(
        email=_address(values),
        name=str(values.get("name", "")),
        password=_hash(str(values.get("password", ""))),
        email_verified=_truth(values, "email_verified", default=False),
        is_active=_truth(values, "is_active", default=True),
    )
    validate_name(user.name)
    user.clean_fields(exclude=["email", "password"])
    if user.email_verified:  # else it is a registration, which expires some days from now
        user.date_joined = _time(values)
    return user


def _address(values: Mapping[str, object]) -> str:
    given = str(values.get("email", ""))
    if not given.strip():
        raise ValidationError("email is empty.")
    try:
        return canonical_address(given)
    except ValidationError as error:
        raise ValidationError(f"email: {' '.join(error.messages)}") from None


def _hash(given: str) -> str:
    """Return what is stored. The messages never show what was given: it may be a password."""
    if not given or given.startswith(UNUSABLE_PASSWORD_PREFIX):
        return make_password(None)
    if len(given) > _LONGEST_HASH or not can_be_checked(given):
        raise ValidationError(_NO_HASH)
    return given


def _truth(values: Mapping[str, object], name: str, *, default: bool) -> bool:
    given = values.get(name, default)
    found = given if isinstance(given, bool) else _TRUTH.get(str(given).strip().lower())
    if found is None:
        raise ValidationError(f"{name} must be true or false, not {str(given)[:20]!r}.")
    return found


def _time(values: Mapping[str, object]) -> datetime:
    given = values.get("date_joined")
    if given is None:
        return timezone.now()
    try:
        found = parse_datetime(str(given))
    except ValueError:  # well formed, but no time
        found = None
    if found is None:
        raise ValidationError(
            f"date_joined must be a time such as 2024-05-31T12:00:00Z, not {str(given)[:40]!r}."
        )
    return found if timezone.is_aware(found) else found.replace(tzinfo=UTC)
