"""Mailed tokens: signed, dated, and dead after use because what they name has changed."""

from django.core import signing

from auth_api.errors import InvalidToken
from auth_api.knobs import knobs

from .models import User

_VERIFY = "gatehouse.verify-address"


def make_verification_token(user: User) -> str:
    """Return a token that proves control of the address of `user`, for 24 hours."""
    return signing.dumps([str(user.id), user.email, user.session_epoch], salt=_VERIFY)


def read_verification_token(token: str, *, lock: bool = False) -> User:
    """Return the unverified user of `token`, with `lock` held to the transaction's end.

    Raises InvalidToken.
    """
    try:
        user_id, email, epoch = signing.loads(
            token, salt=_VERIFY, max_age=knobs().verification_lifetime
        )
    except (signing.BadSignature, ValueError, TypeError):
        raise InvalidToken from None
    users = User.objects.select_for_update() if lock else User.objects.all()
    user = users.filter(
        pk=user_id, email=email, session_epoch=epoch, email_verified=False, is_active=True
    )
    if (found := user.first()) is None:
        raise InvalidToken
    return found
