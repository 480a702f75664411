"""A model field for the id of a user."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from frontend_site.backend.users import SiteUser


class UserIdField(models.UUIDField):  # type: ignore[type-arg]
    """The id of a user, in place of a ForeignKey to a user: users are stored by auth_api.

    The value is a text, as `request.user.id`; lookups and assignments take a user, too:
    `Note.objects.filter(owner=request.user)`. Indexed, and left out of forms. Nothing is deleted or changed
    here when the user is deleted.
    """

    description = "The id of a user"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("db_index", True)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def from_db_value(
        self, value: object, expression: object, connection: BaseDatabaseWrapper
    ) -> str | None:
        """Return the text of an id that the database returned."""
        return None if value is None else str(value)

    def to_python(self, value: object) -> str | None:
        """Return the text of an id, given as text, UUID or user. Raises ValidationError."""
        given = value.id if isinstance(value, SiteUser) else value
        if given is None:
            return None
        try:
            return str(UUID(str(given)))
        except ValueError:
            raise ValidationError(
                self.error_messages["invalid"], code="invalid", params={"value": given}
            ) from None

    def get_prep_value(self, value: Any) -> str | None:
        """Return what a query compares with."""
        return self.to_python(value)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        """Return the id in the database's own type."""
        text = self.to_python(value)
        return super().get_db_prep_value(UUID(text) if text else None, connection, prepared)
