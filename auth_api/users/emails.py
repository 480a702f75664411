"""Writes the mails about accounts into the outbox, in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from auth_api.mail.outbox import made_mail, queue_mail, queue_mails
from auth_api.options import options
from auth_api.security_log.models import SecurityEvent
from auth_api.times import in_words

from .acts import Act
from .invitations import Invitation
from .models import User
from .names import name_for_mail
from .tokens import (
    confirmation_link,
    disown_link,
    invitation_link,
    keep_link,
    reset_links,
    restore_link,
    verification_link,
)


def send_verification(user: User, asked_at: datetime) -> None:
    """Mail the link that verifies the address; its lifetime counts from `asked_at`."""
    send_verifications([user], asked_at)


def send_verifications(users: Sequence[User], asked_at: datetime) -> None:
    """`send_verification` to each of `users`, in one statement."""
    # Without the name: whoever registers chose it, and may not be who reads this.
    queue_mails(
        [
            made_mail(
                to=user.email,
                template="verify",
                subject=f"Confirm your address for {_site()}",
                link=verification_link(user).asked_for(asked_at),
            )
            for user in users
        ]
    )


def send_already_registered(user: User) -> None:
    """Notify the owner of an account that someone tried to register its address.

    This includes accounts that staff created and that have no password yet.
    """
    _tell(
        user, "already_registered", f"You already have an account at {_site()}", "/password/forgot"
    )


def send_invitation(invitation: Invitation) -> None:
    """Mail the link that creates the account of an invited address."""
    queue_mail(
        to=invitation.email,
        template="invitation",
        subject=f"Your invitation to {_site()}",
        link=invitation_link(invitation),
    )


def send_reset(user: User, asked_at: datetime | None = None) -> None:
    """Mail the link to set a new password; its lifetime counts from `asked_at` (default: now)."""
    send_resets([user], asked_at)


def send_resets(users: Sequence[User], asked_at: datetime | None = None) -> None:
    """`send_reset` to each of `users`, in four statements."""
    links = [link.asked_for(asked_at) if asked_at else link for link in reset_links(users)]
    queue_mails(
        [
            made_mail(
                to=user.email,
                template="reset",
                subject=f"Set a new password for {_site()}",
                person=_greeted(user),
                link=link,
            )
            for user, link in zip(users, links, strict=True)
        ]
    )


def send_password_changed(user: User) -> None:
    """Notify the owner that the password was changed (ASVS 6.3.7)."""
    _tell(user, "password_changed", "Your password was changed", "/password/forgot")


def send_new_device(user: User, event: SecurityEvent) -> None:
    """Notify the owner of a sign-in from a new device (ASVS 6.3.5), with a "This was not me" link."""
    queue_mail(
        to=user.email,
        template="new_device",
        subject=f"New sign-in to your account at {_site()}",
        person=_greeted(user),
        link=disown_link(user, event.pk),
        device=event.device or "Unknown device",
        address=event.address or "unknown",
        when=in_words(event.at),
    )


def send_address_confirmation(user: User, email: str, sign_in: str, asked_at: datetime) -> None:
    """Mail the new address the link that confirms it; its lifetime counts from `asked_at`."""
    # Without the name: the address may be a stranger's.
    queue_mail(
        to=email,
        template="confirm_address",
        subject="Confirm your new address",
        link=confirmation_link(user, email, sign_in).asked_for(asked_at),
    )


def send_address_change_asked(user: User, email: str) -> None:
    """Notify the current address while the change can still be cancelled."""
    _tell(
        user,
        "address_change_asked",
        "Someone asked to change your e-mail address",
        "/account/password",
        new_address=email,
    )


def send_address_changed(user: User, old: str, act: Act | None) -> None:
    """Notify the former address of the change (ASVS 6.3.7), with a link that restores it.

    `act` is None if the account returned to an earlier address: then there is no link.
    """
    queue_mail(
        to=old,
        template="address_changed",
        subject="Your e-mail address was changed",
        person=_greeted(user),
        link=restore_link(user, act.pk) if act else None,
        new_address=user.email,
    )


def send_address_restored(replaced: str, restored: str) -> None:
    """Notify the address that the account had until the former one was restored."""
    queue_mail(
        to=replaced,
        template="address_restored",
        subject="Your e-mail address was changed back",
        restored=restored,
    )


def send_address_reserved(act: Act) -> None:
    """Tell the requester that an address is reserved, because it was another account's until recently."""
    queue_mail(
        to=act.old_address,
        template="address_reserved",
        subject="This address cannot be used yet",
        until=in_words(act.ends_at),
    )


def send_code_refused(user: User) -> None:
    """Tell the owner that somebody who knows the password typed a wrong code (ASVS 6.3.5)."""
    _tell(
        user, "code_refused", "Someone with your password entered a wrong code", "/account/password"
    )


def send_factor_added(user: User, name: str) -> None:
    """Tell the owner that an authenticator app was added (ASVS 6.3.7)."""
    _tell(
        user,
        "factor_added",
        "An authenticator app was added",
        "/account/factors",
        app=name_for_mail(name),
    )


def send_factor_removed(user: User, name: str) -> None:
    """Tell the owner that an authenticator app was removed (ASVS 6.3.7)."""
    _tell(
        user,
        "factor_removed",
        "An authenticator app was removed",
        "/account/factors",
        app=name_for_mail(name),
    )


def send_factor_restored(user: User, name: str) -> None:
    """Tell the owner that an authenticator app which an intruder had removed is in use again."""
    subject = "An authenticator app was restored"
    _tell(user, "factor_restored", subject, "/account/factors", app=name_for_mail(name))


def send_enrolment_required(user: User) -> None:
    """Tell the owner that support has removed the second factors, and what the next sign-in asks for."""
    subject = "Your second factor was reset"
    _tell(user, "enrolment_required", subject, "/password/forgot")


def send_recovery_codes_made(user: User) -> None:
    """Tell the owner that there are new recovery codes."""
    _tell(user, "recovery_codes_made", "You have new recovery codes", "/account/factors")


def send_recovery_code_used(user: User, left: int) -> None:
    """Tell the owner that a recovery code was used, and how many are `left`."""
    _tell(user, "recovery_code_used", "A recovery code was used", "/account/factors", left=left)


def send_deletion_asked(user: User, email: str, deletion_at: datetime) -> None:
    """Notify an address of `user` that the account is going to be deleted, with a link that keeps it."""
    queue_mail(
        to=email,
        template="deletion_asked",
        subject=f"Your account at {_site()} will be deleted",
        person=_greeted(user),
        link=keep_link(user, deletion_at),
        page=f"{options().public_origin}/password/forgot",
        until=in_words(deletion_at),
    )


def send_account_kept(user: User) -> None:
    """Notify the owner that the deletion was cancelled."""
    subject = f"Your account at {_site()} will not be deleted"
    _tell(user, "account_kept", subject, "/password/forgot")


def send_account_deleted(user: User, email: str) -> None:
    """Notify an address of `user`, whose account was deleted."""
    queue_mail(
        to=email,
        template="account_deleted",
        subject=f"Your account at {_site()} was deleted",
        person=_greeted(user),
    )


def _tell(user: User, template: str, subject: str, path: str, **context: Any) -> None:
    """Mail the account's address, with `path` of the site as `page`."""
    page, person = f"{options().public_origin}{path}", _greeted(user)
    queue_mail(
        to=user.email, template=template, subject=subject, page=page, person=person, **context
    )


def _greeted(user: User) -> str:
    """Return the name to greet with: none before the address is confirmed, as a stranger may have chosen it."""
    return name_for_mail(user.name) if user.email_verified else ""


def _site() -> str:
    return options().site_name
