"""Changes one's own display name."""

from django.core.exceptions import ValidationError
from django.db import transaction

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidRequest
from auth_api.sessions import services as sessions
from auth_api.throttling import Change
from auth_api.users.allowances import change_allowance
from auth_api.users.factors.demands import locked_user
from auth_api.users.names import validate_name


def change_name(*, request: ApiRequest, name: str) -> None:
    """Set the name of the session's user; "" removes it. Every answer after this has the new one.

    The change is recorded, and can be undone, with the sign-in of the current request. Raises
    InvalidRequest for a name that is refused, Throttled, SessionStoreUnavailable, and what `locked_user` raises: then
    nothing has changed.
    """
    user_id = sessions.current_session(request).user["id"]
    name = name.strip()
    try:
        validate_name(name)
    except ValidationError as error:
        raise InvalidRequest({"name": error.messages}) from None
    with change_allowance(user_id, Change.NAME), transaction.atomic():
        user = locked_user(request)
        user.name = name
        user.save(update_fields=["name"])
