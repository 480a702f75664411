"""What staff do to accounts: on the page of one, or on many from the list.

To add an action, add it to ACTIONS.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction

from auth_api.sessions.snapshots import BATCH
from auth_api.users.deletion import delete_users
from auth_api.users.ending import end_sessions_of_users
from auth_api.users.factors.removal import require_enrolment
from auth_api.users.flows.password import send_reset_links
from auth_api.users.models import User
from auth_api.users.registration_rules import is_still_welcome
from auth_api.users.services import set_active
from auth_api.users.unconfirmed import resend_confirmations, why_no_confirmation
from auth_api.users.unlocking import unlock_users


@dataclass(frozen=True)
class StaffAction:
    """One action.

    `perform` does it to a batch, all or nothing, and records it for each user in the security log; it
    returns what was done, as numbers by the words that follow them. runs.py calls it inside `because(reason)`.
    It raises SessionStoreUnavailable or a database error. `fits` tells whether to offer it for a user.
    `asks_again`: staff must have authenticated recently.
    """

    name: str
    label: str
    explanation: str
    perform: Callable[[Sequence[User]], Counter[str]]
    permission: str = "change"
    fits: Callable[[User], bool] = lambda user: True
    batch: int = BATCH  # accounts of one request
    asks_again: bool = False


def _end_sessions(users: Sequence[User]) -> Counter[str]:
    return Counter({"sessions ended": end_sessions_of_users([user.pk for user in users])})


def _unlock(users: Sequence[User]) -> Counter[str]:
    return Counter({"counters cleared": unlock_users(users)})


def _resend(users: Sequence[User]) -> Counter[str]:
    whys = {user.pk: why_no_confirmation(user) for user in users}
    chosen = [user for user in users if not whys[user.pk]]
    if chosen:
        resend_confirmations(chosen)
    left_out = Counter(why if len(users) == 1 else "nothing to confirm" for why in whys.values() if why)  # fmt: skip
    return _sent(chosen, left_out)


def _send_reset(users: Sequence[User]) -> Counter[str]:
    whys = {user.pk: _why_no_reset(user) for user in users}
    chosen = [user for user in users if not whys[user.pk]]
    if chosen:
        send_reset_links(chosen)
    return _sent(chosen, Counter(why for why in whys.values() if why))


def _why_no_reset(user: User) -> str:
    if not user.is_active:
        return "the account is deactivated"
    if not is_still_welcome(user):
        return "the account is unconfirmed, and registration is closed to it"
    return ""


def _sent(users: Sequence[User], left_out: Counter[str]) -> Counter[str]:
    not_sent = {f"not sent: {why}": number for why, number in left_out.items()}
    return Counter({"links will be sent": len(users)} | not_sent)


@transaction.atomic
def _require_enrolment(users: Sequence[User]) -> Counter[str]:
    removed = sum(require_enrolment(user.pk, reason="") for user in users)
    return Counter({"authenticator apps removed": removed})


def _deactivate(users: Sequence[User]) -> Counter[str]:
    return Counter({"accounts deactivated": set_active(users, active=False)})


def _activate(users: Sequence[User]) -> Counter[str]:
    return Counter({"accounts activated": set_active(users, active=True)})


def _delete(users: Sequence[User]) -> Counter[str]:
    return Counter({"accounts deleted": delete_users(users)})


DELETE = StaffAction(
    "delete_selected", "Delete",
    "Deletes the accounts with everything stored about them, including their security logs. This cannot be undone.",
    _delete, permission="delete", fits=lambda user: False,  # its page has a button of its own
)  # fmt: skip
ACTIONS = (
    StaffAction("unlock", "Unlock", "Lifts the delays of sign-ins, codes and mails.", _unlock),
    StaffAction(
        "resend_confirmation", "Resend confirmation",
        "Mails the confirmation link again to people who registered but have not confirmed their address.",
        _resend, fits=lambda user: user.is_registration,
    ),
    StaffAction(
        "send_reset_link", "Send password link", "Mails a link to set a password.", _send_reset,
        fits=lambda user: user.is_active,
    ),
    StaffAction(
        "end_all_sessions", "End all sessions",
        "Ends every session on the site and in the admin. People can sign in again.", _end_sessions,
    ),
    StaffAction(
        "require_enrolment", "Require a new second factor",
        "Removes every second factor and ends every session, for people who have lost them. The next sign-in may "
        "only set up an authenticator app. First make sure that the request comes from the owner.",
        _require_enrolment, batch=100, asks_again=True,
    ),
    StaffAction(
        "deactivate", "Deactivate", "Ends every session and refuses new sign-ins.", _deactivate,
        fits=lambda user: user.is_active,
    ),
    StaffAction(
        "activate", "Activate", "Allows sign-ins again.", _activate, fits=lambda user: not user.is_active
    ),
    DELETE,
)  # fmt: skip
