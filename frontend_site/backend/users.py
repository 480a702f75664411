"""The type of `request.user` on this site."""

from dataclasses import dataclass, field

from frontend_site.backend.client import Answer, AuthApiUnavailable


@dataclass(frozen=True)
class SiteUser:
    """A signed-in user, or NOBODY. As with Django's users, two are equal if their ids are.

    Only auth_api has the permissions beyond `is_staff`. There is no `has_perm` here, so a decorator
    that checks one fails and denies access.
    """

    id: str | None = None  # a UUID as text
    email: str = field(default="", compare=False)
    name: str = field(default="", compare=False)
    is_staff: bool = field(default=False, compare=False)
    is_active: bool = field(default=False, compare=False)
    is_authenticated: bool = field(default=False, compare=False)

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is signed in, as Django asks."""
        return not self.is_authenticated

    @property
    def pk(self) -> str | None:
        """The user's id, under the name that Django uses."""
        return self.id

    def get_username(self) -> str:
        """Return the e-mail address, with which the user signs in; "" for NOBODY."""
        return self.email

    def __str__(self) -> str:
        return self.email or "AnonymousUser"

    @classmethod
    def of(cls, answer: Answer) -> "SiteUser":
        """Return the user in auth_api's `{user, session}`. Raises AuthApiUnavailable without one."""
        try:
            user = answer.document["user"]
            return cls(
                id=str(user["id"]),
                email=str(user["email"]),
                name=str(user["name"] or ""),
                is_staff=bool(user["is_staff"]),
                is_active=True,  # auth_api confirms no session of an inactive user
                is_authenticated=True,
            )
        except (KeyError, TypeError) as error:
            raise AuthApiUnavailable("a session without its user") from error


NOBODY = SiteUser()
