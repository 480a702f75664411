"""Who is at the browser, in Django's vocabulary: what `request.user` is on this site."""

from dataclasses import dataclass, field

from .auth_client import Answer, AuthApiUnavailable


@dataclass(frozen=True)
class SiteUser:
    """Somebody signed in, or NOBODY. As with Django's users, two are equal when their ids are.

    Rights beyond `is_staff` are kept by auth_api alone. There is no `has_perm` here, so a decorator
    that asks for one fails and lets nobody in.
    """

    id: str | None = None  # a UUID as text
    email: str = field(default="", compare=False)
    name: str = field(default="", compare=False)
    is_staff: bool = field(default=False, compare=False)
    is_active: bool = field(default=False, compare=False)
    is_authenticated: bool = field(default=False, compare=False)

    @property
    def is_anonymous(self) -> bool:
        return not self.is_authenticated

    @property
    def pk(self) -> str | None:
        return self.id

    def get_username(self) -> str:
        """Return what somebody signs in with: the e-mail address; "" for nobody."""
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
                is_active=True,  # auth_api calls no other session valid
                is_authenticated=True,
            )
        except (KeyError, TypeError) as error:
            raise AuthApiUnavailable("a session without its user") from error


NOBODY = SiteUser()
