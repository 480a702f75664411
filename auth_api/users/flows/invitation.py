"""Invites people, and creates the account of whoever follows the mailed link."""

from collections.abc import Collection

import structlog
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from auth_api.errors import InvalidToken, RegistrationClosed
from auth_api.network import networks_of
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change
from auth_api.users import emails
from auth_api.users.acts import reservation_of
from auth_api.users.allowances import password_allowance
from auth_api.users.flows.registration import remove_registration, require_good_name_and_password
from auth_api.users.invitations import Invitation
from auth_api.users.models import User
from auth_api.users.registration_rules import invitations_work
from auth_api.users.tokens import read_invitation_token

_log = structlog.get_logger("auth_api.users")


@transaction.atomic
def invite(*, email: str, groups: Collection[Group] = ()) -> Invitation:
    """Mail an invitation; an earlier one of the same address becomes invalid.

    For commands, which act for nobody. Raises ValidationError for an address that cannot be invited.
    """
    Invitation.objects.filter(email=email).delete()
    invitation = Invitation(email=email)
    invitation.full_clean()
    invitation.save()
    invitation.groups.set(groups)
    mail_invitation(invitation, None)
    return invitation


def mail_invitation(invitation: Invitation, by: User | None) -> None:
    """Mail the link of a stored invitation, and record who did. Call inside a transaction."""
    emails.send_invitation(invitation)
    _record(Kind.INVITED, invitation, by)


@transaction.atomic
def send_again(pk: int, by: User | None) -> bool:
    """Mail a new link, which replaces the earlier one; return False if the invitation is gone.

    It may have been used or revoked since it was listed. Raises ValidationError if its address cannot
    be invited any more.
    """
    invitation = Invitation.objects.select_for_update().filter(pk=pk).first()
    if invitation is None:
        return False
    invitation.clean()
    invitation.renew()
    mail_invitation(invitation, by)
    return True


@transaction.atomic
def revoke(invitation: Invitation, by: User | None) -> None:
    """Delete an invitation: its link is invalid from here on. Quiet if it was accepted meanwhile."""
    if not Invitation.objects.select_for_update().filter(pk=invitation.pk).exists():
        return
    _record(Kind.INVITATION_REVOKED, invitation, by)
    invitation.delete()


def accept_invitation(*, token: str, password: str, name: str, address: str) -> None:
    """Create the account that `token` invites to, with its address confirmed. Signs nobody in.

    The mailed link proves the address. `address` is the client's network address. Raises InvalidToken,
    RegistrationClosed, InvalidRequest for a name or password that is refused, Throttled, Overloaded: the
    link stays valid then.
    """
    if not invitations_work():
        raise RegistrationClosed
    with password_allowance(*networks_of(address)):
        invitation = read_invitation_token(token)
    require_good_name_and_password(invitation.email, password, name)
    hashed = make_password(password)
    try:
        with transaction.atomic():
            _create_account(read_invitation_token(token, lock=True), hashed, name)
    except IntegrityError:  # the address got an account in the meantime
        raise InvalidToken from None


def _create_account(invitation: Invitation, hashed: str, name: str) -> None:
    if reservation_of(invitation.email) is not None:
        raise InvalidToken
    remove_registration(invitation.email)
    user = User.objects.create(
        email=invitation.email, password=hashed, name=name, email_verified=True
    )
    record_change(user, Kind.INVITATION_ACCEPTED, reason=f"invitation {invitation.pk}")
    user.groups.set(invitation.groups.all())
    invitation.delete()


def _record(kind: Kind, invitation: Invitation, by: User | None) -> None:
    """In the log of who acts: who is invited has no account, and no event has an address."""
    if by is None:
        _log.info(str(kind), invitation=invitation.pk)
    else:
        record_change(by, kind, reason=f"invitation {invitation.pk}")
