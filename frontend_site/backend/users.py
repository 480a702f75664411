"""The type of `request.user` on this site."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.functional import cached_property

from frontend_site.backend.assurance import Assurance
from frontend_site.backend.client import Answer, AuthApiUnavailable
from frontend_site.security.levels import Demand


@dataclass(frozen=True)
class SiteUser:
    """A signed-in user, or NOBODY. As with Django's users, two are equal if their ids are.

    Of the user's permissions, this site knows only `is_staff` and the names of the groups. There is no
    `has_perm` here, so a decorator that checks one fails and denies access.
    """

    id: str | None = None  # a UUID as text
    email: str = field(default="", compare=False)
    name: str = field(default="", compare=False)
    is_staff: bool = field(default=False, compare=False)
    is_active: bool = field(default=False, compare=False)
    groups: tuple[str, ...] = field(default=(), compare=False)  # their names, sorted
    is_authenticated: bool = field(default=False, compare=False)
    session: Mapping[str, Any] = field(
        default_factory=dict, compare=False, repr=False
    )  # auth_api's

    @cached_property
    def assurance(self) -> Assurance:
        """How sure it is that this is the user. Raises AuthApiUnavailable if auth_api did not say so as agreed."""
        if not self.is_authenticated:
            return Assurance()
        try:
            return Assurance.of(self.session)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AuthApiUnavailable("a session without its fields") from error

    @property
    def acr(self) -> str:
        """The level of assurance of the session: "aal1" or "aal2"; it ages."""
        return self.assurance.acr

    @property
    def amr(self) -> tuple[str, ...]:
        """How the user authenticated, as far as it still counts, in the words of RFC 8176."""
        return self.assurance.amr

    @property
    def auth_time(self) -> datetime:
        """When the user last authenticated."""
        return self.assurance.auth_time

    def meets(self, demand: Demand) -> bool:
        """Whether the session meets `demand`."""
        return self.assurance.meets(demand)

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is signed in, as Django asks."""
        return not self.is_authenticated

    @property
    def pk(self) -> str | None:
        """The user's id, under the name that Django uses."""
        return self.id

    def in_group(self, name: str) -> bool:
        """Whether the user is a member of the group with this name; case counts."""
        return name in self.groups

    def get_username(self) -> str:
        """Return the e-mail address, with which the user signs in; "" for NOBODY."""
        return self.email

    def __str__(self) -> str:
        return self.email or "AnonymousUser"

    @classmethod
    def of(cls, answer: Answer) -> "SiteUser":
        """Return the user in auth_api's `{user, session}`. Raises AuthApiUnavailable without one."""
        try:
            user, session = answer.document["user"], answer.document["session"]
            return cls(
                id=str(user["id"]),
                email=str(user["email"]),
                name=str(user["name"] or ""),
                is_staff=bool(user["is_staff"]),
                groups=groups_of(user),
                is_active=True,  # auth_api confirms no session of an inactive user
                is_authenticated=True,
                session=session,
            )
        except (KeyError, TypeError) as error:
            raise AuthApiUnavailable("a session without its user") from error


def level_of(answer: Answer) -> Assurance:
    """Return how certain auth_api is of the user in its `{user, session}`. Raises AuthApiUnavailable."""
    return SiteUser.of(answer).assurance


def groups_of(user: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the groups in auth_api's `user`; none if an earlier release has stored it without them."""
    return tuple(map(str, user.get("groups") or ()))


NOBODY = SiteUser()
