"""Limits how often passwords may be tried or chosen, accounts changed, and mails requested.

Each purpose has its own counters, so that strangers who exhaust one leave the others intact.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum

from auth_api.errors import Throttled
from auth_api.metrics import THROTTLED
from auth_api.network import networks_of
from auth_api.tries import (
    FREE_TRIES,
    NOT_JUDGED,
    Tries,
    asked,
    count,
    counters_in,
    forget,
    forget_each,
    hidden,
    uncount,
)

# All addresses together, at one account: SP 800-63B-4, 3.2.2 asks for at most 100.
ACCOUNT_TRIES = 100
# One address at all accounts: stuffing, and whoever keeps the hashing slots busy.
ADDRESS_FAILURES = 100
ADDRESS_WINDOW = 600  # seconds
# New passwords from one network (registration) or for one account: each costs a strength estimate.
NEW_PASSWORDS = 30
NEW_PASSWORDS_WINDOW = 600  # seconds
# Changes of one account of each kind (Change): each is an event, and often a mail and a row that can undo it.
CHANGES = 30
CHANGES_WINDOW = 600  # seconds
# Mails that strangers request, for each purpose: to one address, and by one client.
ADDRESS_MAILS = 3
CLIENT_MAILS = 20
MAIL_WINDOW = 3600  # seconds
# What the /64, the /56 and the /48 of an IPv6 client may do, in multiples of these limits: whoever holds a /48
# gets four times what one client gets, not 65,536 times. Customers of one provider may share a /48.
SHARES = (1, 2, 4)


class Purpose(StrEnum):
    """The purpose of a requested mail."""

    VERIFICATION = "verification"
    RESEND = "resend"
    NOTICE = "notice"  # to the owner of an address that is registered again
    RESET = "reset"
    ADDRESS_CHANGE = "address change"
    CODE_REFUSED = "code refused"  # right password, wrong code


class Change(StrEnum):
    """A change of an account that its owner makes with neither a password nor a mailed link."""

    NAME = "name"
    NEW_APP = "new app"
    APP_NAME = "name of an app"
    RECOVERY_CODES = "recovery codes"


class LoginThrottle:
    """Counts tries at `account` (the key of an address, "" for none) from `address` (a client's).

    Tries with the link of a registration (`verification`) are counted separately from sign-ins.

    A stranger's failures slow the stranger down first: the owner, at another address, is held up
    only when all tries together pass ACCOUNT_TRIES. Where the owner has signed in before (`device`
    names its session) the strangers' tries do not count at all: there are counters apart for it.
    """

    def __init__(
        self, account: str, address: str, *, device: str = "", verification: bool = False
    ) -> None:
        networks = networks_of(address)
        tag = _slot_of(account, verification=verification)
        clients = (f"device {device}",) if device else networks
        together = f"gh:throttle:{{{tag}}}:devices" if device else f"gh:throttle:{{{tag}}}"
        own = [f"gh:throttle:{{{tag}}}:{hidden(each, 16)}" for each in clients]
        at_all = {together: ACCOUNT_TRIES} if account else {}
        self._tries = Tries({**_limits(own, FREE_TRIES), **at_all})
        self._failures = {} if device else _failures(networks)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of the counters at this account."""
        return tuple(self._tries.limits)

    def hit(self) -> None:
        """Count a try before it is made, so that parallel tries count too. Raises Throttled."""
        # A client that must wait counts nowhere: else it locks others out for nothing.
        if wait := self._address_wait() or self._tries.hit():
            THROTTLED.labels("tries").inc()
            raise Throttled(wait)

    @contextmanager
    def given_back_if_unjudged(self) -> Iterator[None]:
        """Take the try back when the block fails before the password was compared.

        In the block, errors of Redis, of the database and of hashing must come from before the comparison:
        a try that was judged and given back would be a free guess.
        """
        try:
            yield
        except NOT_JUDGED:
            self.give_back()
            raise

    def give_back(self) -> None:
        """Take the last try back, because nobody judged it, or because it was right."""
        self._tries.give_back()

    def fail(self) -> None:
        """Count a failure of the client, at whatever account."""
        if self._failures:
            count(self._failures, ADDRESS_WINDOW)

    def clear(self) -> None:
        """Forget the failures at this account after a success; the client's others stay."""
        forget(*self._tries.limits)

    def _address_wait(self) -> int:
        if not self._failures:
            return 0
        counts = asked("MGET", *self._failures)
        limits = self._failures.items()
        full = [key for (key, limit), n in zip(limits, counts, strict=True) if int(n or 0) >= limit]
        return max(1, int(asked("TTL", full[-1]))) if full else 0


def count_new_password(*choosers: str) -> None:
    """Count a new password of `choosers` (an account, or networks from narrow to wide) before it is evaluated.

    Raises Throttled, SessionStoreUnavailable.
    """
    if wait := _wait(_choices(choosers), NEW_PASSWORDS_WINDOW, "new passwords"):
        raise Throttled(wait)


def give_new_password_back(*choosers: str) -> None:
    """Forget one new password that was counted and that nothing was computed for."""
    uncount(_choices(choosers))


def change_wait(user_id: str, change: Change) -> int:
    """Count a change of an account; return the seconds to wait, 0 if it may be made."""
    return _wait(_changes(user_id, change), CHANGES_WINDOW, "changes")


def give_change_back(user_id: str, change: Change) -> None:
    """Forget one change that `change_wait` counted and that could not be stored."""
    uncount(_changes(user_id, change))


def mail_wait(client: str, purpose: Purpose) -> int:
    """Count a wish of `client` (a network address) for a mail; return the seconds to wait, 0 for none."""
    return _wait(_wishes(client, purpose), MAIL_WINDOW, "mails of a client")


def give_mail_back(client: str, purpose: Purpose) -> None:
    """Forget one wish of `client` that `mail_wait` counted and that could not be stored."""
    uncount(_wishes(client, purpose))


def may_be_mailed(account: str, purpose: Purpose, *, window: int = MAIL_WINDOW) -> bool:
    """Count a mail that a stranger requests for `account` (its key); return False above the limit.

    Call it only if there is a mail to send: a mail that is not sent must not count. `window` is in
    seconds.
    """
    return not _wait({_mail_key(account, purpose): ADDRESS_MAILS}, window, "mails to an address")


def account_counters(
    account: str, user_id: str, addresses: Iterable[str], devices: Iterable[str]
) -> set[str]:
    """Return the keys of every counter of an account, for `tries.forget_each`.

    `account` is the key of its address; `addresses` and `devices` made tries at it.
    """
    keys = {_mail_key(account, purpose) for purpose in Purpose}
    keys |= {key for change in Change for key in _changes(user_id, change)}
    for chooser in ("account", "change of", "reset of"):
        keys |= {*_choices((f"{chooser} {user_id}",))}
    for verification in (False, True):
        tries = [LoginThrottle(account, a, verification=verification) for a in ("", *addresses)]
        tries += [LoginThrottle(account, "", device=d, verification=verification) for d in devices]
        keys |= {key for throttle in tries for key in throttle.keys}
    return keys


def tries_from_everywhere(account: str) -> set[str]:
    """Return the keys of the counters of tries at an account from any network (`tries.counters_in`)."""
    return counters_in(_slot_of(account)) | counters_in(_slot_of(account, verification=True))


def forget_client(address: str) -> int:
    """Clear the counters of a network address at all accounts, and of its mails and new passwords.

    Those of the wider networks that it is in are cleared, too. Return how many there were. Raises
    SessionStoreUnavailable.
    """
    networks = networks_of(address)
    wishes = {key for purpose in Purpose for key in _wishes(address, purpose)}
    return forget_each({*_failures(networks), *_choices(networks), *wishes})


def _wait(counters: Mapping[str, int], window: int, limit: str) -> int:
    """Count one more in `counters`; return the seconds to wait, and note it under the name `limit`; 0 for none."""
    wait = count(counters, window)
    if wait:
        THROTTLED.labels(limit).inc()
    return wait


def _slot_of(account: str, *, verification: bool = False) -> str:
    """Return the hash tag of the counters of tries at an account."""
    return hidden(f"verification {account}" if verification else account, 32)


def _mail_key(account: str, purpose: Purpose) -> str:
    return f"gh:throttle:{{{hidden(f'{purpose} mail to {account}', 32)}}}"


def _failures(networks: Sequence[str]) -> dict[str, int]:
    return _counters("failures", networks, ADDRESS_FAILURES)


def _choices(choosers: Sequence[str]) -> dict[str, int]:
    return _counters("new password", choosers, NEW_PASSWORDS)


def _changes(user_id: str, change: Change) -> dict[str, int]:
    return _counters(f"change of {change}", (user_id,), CHANGES)


def _wishes(client: str, purpose: Purpose) -> dict[str, int]:
    return _counters(f"{purpose} mail", networks_of(client), CLIENT_MAILS)


def _counters(what: str, clients: Sequence[str], limit: int) -> dict[str, int]:
    """Return the counters of `what` for `clients`, from narrow to wide, and the limit of each.

    They are in the slot of the widest, so that one round trip counts all of them.
    """
    tag = hidden(f"{what} of {clients[-1]}", 32)
    return _limits([f"gh:throttle:{{{tag}}}:{hidden(each, 16)}" for each in clients], limit)


def _limits(keys: Sequence[str], limit: int) -> dict[str, int]:
    return {key: limit * share for key, share in zip(keys, SHARES, strict=False)}
