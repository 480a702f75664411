"""How often a password may be tried, by whom, and who pays for it (ASVS 6.1.1, 6.3.1)."""

from collections.abc import Callable, Iterator
from ipaddress import IPv6Address
from itertools import count
from typing import Any

import pytest

from auth_api.errors import Overloaded, Throttled
from auth_api.network import network_of, wider_network_of
from auth_api.throttling import (
    ACCOUNT_TRIES,
    ADDRESS_FAILURES,
    ADDRESS_WINDOW,
    SHARES,
    LoginThrottle,
    Purpose,
    mail_wait,
)
from auth_api.tries import FREE_TRIES, LONGEST_DELAY
from tests.clock import age_throttles
from tests.store_contents import command_counts, reset_command_counts, stored_keys

OWNER, STRANGER = "203.0.113.7", "198.51.100.9"


def waits(throttle: LoginThrottle) -> int:
    try:
        throttle.hit()
    except Throttled as error:
        return error.retry_after
    return 0


def pass_the_wait(client: Any) -> None:
    for key in stored_keys(client):
        if key.startswith(b"gh:throttle"):
            client.hdel(key, "until")


def test_the_delay_doubles_up_to_a_quarter_of_an_hour(redis_client: Any) -> None:
    throttle = LoginThrottle("ada@example.com", STRANGER)
    assert [waits(throttle) for _ in range(FREE_TRIES)] == [0] * FREE_TRIES
    delays = []
    for _ in range(7):
        delays.append(waits(throttle))
        pass_the_wait(redis_client)
        assert waits(throttle) == 0  # one more try, and it counts
    assert [round(delay / 30) for delay in delays] == [1, 2, 4, 8, 16, 30, 30]
    assert delays[-1] <= LONGEST_DELAY


def test_asking_while_one_must_wait_makes_it_no_longer() -> None:
    throttle = LoginThrottle("ada@example.com", STRANGER)
    for _ in range(FREE_TRIES):
        throttle.hit()
    first = waits(throttle)
    assert all(0 < waits(throttle) <= first for _ in range(50))


def test_a_strangers_200_failures_do_not_lock_the_owner_out() -> None:
    for _ in range(200):
        waits(LoginThrottle("ada@example.com", STRANGER))
    assert waits(LoginThrottle("ada@example.com", OWNER)) == 0


def test_many_addresses_together_are_held_up_at_one_account() -> None:
    results = [
        waits(LoginThrottle("ada@example.com", f"198.51.100.{n}")) for n in range(ACCOUNT_TRIES + 5)
    ]
    assert results[:ACCOUNT_TRIES] == [0] * ACCOUNT_TRIES
    assert all(wait > 0 for wait in results[ACCOUNT_TRIES:])
    assert waits(LoginThrottle("bob@example.com", "198.51.100.1")) == 0


def test_a_success_forgets_the_failures() -> None:
    throttle = LoginThrottle("ada@example.com", OWNER)
    for _ in range(FREE_TRIES - 1):
        throttle.hit()
    throttle.clear()
    assert [waits(throttle) for _ in range(FREE_TRIES)] == [0] * FREE_TRIES


def test_a_success_of_the_owner_does_not_help_the_stranger() -> None:
    stranger = LoginThrottle("ada@example.com", STRANGER)
    for _ in range(FREE_TRIES):
        stranger.hit()
    LoginThrottle("ada@example.com", OWNER).clear()
    assert waits(stranger) > 0


def test_keys_name_neither_accounts_nor_addresses_and_run_out(redis_client: Any) -> None:
    LoginThrottle("ada@example.com", OWNER).hit()
    for key in stored_keys(redis_client):
        assert b"ada" not in key
        assert OWNER.encode() not in key
        assert 0 < redis_client.ttl(key) <= 86400


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("64:ff9b::203.0.113.7", "203.0.113.7"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_network_is_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1::/48"),
        ("unknown", "unknown"),
    ],
)
def test_a_household_is_a_wider_network(address: str, network: str) -> None:
    assert wider_network_of(address) == network


def test_a_network_of_many_addresses_is_held_up_alone() -> None:
    waited = [
        waits(LoginThrottle("ada@example.com", f"2001:db8::{n:x}")) for n in range(ACCOUNT_TRIES)
    ]
    assert waited[:FREE_TRIES] == [0] * FREE_TRIES
    assert all(waited[FREE_TRIES:])
    assert waits(LoginThrottle("ada@example.com", OWNER)) == 0


@pytest.mark.parametrize(("prefix", "share"), list(zip((64, 56, 48), SHARES, strict=True)))
def test_whoever_holds_a_wider_network_gets_a_few_times_more_tries_at_an_account(
    prefix: int, share: int
) -> None:
    clients = addresses_in(prefix)
    tries = [waits(LoginThrottle("ada@example.com", next(clients))) for _ in range(50)]
    assert tries.index(next(filter(None, tries))) == FREE_TRIES * share
    assert waits(LoginThrottle("ada@example.com", "2001:db8:ffff::1")) == 0


@pytest.mark.parametrize(("prefix", "share"), list(zip((64, 56, 48), SHARES, strict=True)))
def test_whoever_holds_a_wider_network_gets_a_few_times_more_failures_elsewhere(
    prefix: int, share: int
) -> None:
    clients = addresses_in(prefix)
    for number in range(ADDRESS_FAILURES * share):
        throttle = LoginThrottle(f"user{number}@example.com", next(clients))
        throttle.hit()
        throttle.fail()
    assert 0 < waits(LoginThrottle("ada@example.com", next(clients))) <= ADDRESS_WINDOW
    assert waits(LoginThrottle("ada@example.com", "2001:db8:ffff::1")) == 0


def test_a_client_that_must_wait_uses_up_nothing_of_its_wider_networks() -> None:
    for _ in range(200):
        mail_wait("2001:db8:1:2::1", Purpose.RESET)
    assert mail_wait("2001:db8:1:2::2", Purpose.RESET) > 0
    assert mail_wait("2001:db8:1:3::1", Purpose.RESET) == 0


def test_three_networks_cost_no_more_round_trips_than_one(redis_client: Any) -> None:
    def cost(address: str) -> int:
        reset_command_counts(redis_client)
        throttle = LoginThrottle("ada@example.com", address)
        throttle.hit()
        throttle.fail()
        mail_wait(address, Purpose.RESET)
        counts = command_counts(redis_client)
        return sum(counts.get(name, 0) for name in ("eval", "mget", "ttl"))

    assert cost("2001:db8:1:2::1") == cost(OWNER) == 4


def addresses_in(prefix: int) -> Iterator[str]:
    """Yield addresses that have `prefix` bits in common, each in a network of its own if it can be."""
    step = {64: 1, 56: 1 << 64, 48: 1 << 72}[prefix]
    start = int(IPv6Address("2001:db8:1::1"))
    # One after another in the networks, so that the narrower counters fill evenly.
    return (str(IPv6Address(start + n % 200 * step)) for n in count())


def fail_often(address: str) -> None:
    for number in range(ADDRESS_FAILURES):
        throttle = LoginThrottle(f"user{number}@example.com", address)
        throttle.hit()
        throttle.fail()


def test_one_client_cannot_go_from_account_to_account() -> None:
    fail_often(STRANGER)
    assert 0 < waits(LoginThrottle("ada@example.com", STRANGER)) <= ADDRESS_WINDOW
    assert waits(LoginThrottle("ada@example.com", OWNER)) == 0


def test_a_clients_window_ends_however_often_it_comes_back(redis_client: Any) -> None:
    fail_often(STRANGER)
    age_throttles(redis_client, ADDRESS_WINDOW // 2)
    throttle = LoginThrottle("ada@example.com", STRANGER)
    throttle.fail()
    assert 0 < waits(throttle) <= ADDRESS_WINDOW // 2
    age_throttles(redis_client, ADDRESS_WINDOW // 2 + 1)
    assert waits(throttle) == 0


def test_a_success_does_not_forget_the_clients_failures_elsewhere() -> None:
    fail_often(STRANGER)
    LoginThrottle("eve@example.com", STRANGER).clear()
    assert waits(LoginThrottle("ada@example.com", STRANGER)) > 0


def test_a_client_that_must_wait_locks_nobody_out() -> None:
    fail_often(STRANGER)
    for _ in range(ACCOUNT_TRIES):
        waits(LoginThrottle("ada@example.com", STRANGER))
    assert waits(LoginThrottle("ada@example.com", OWNER)) == 0


def test_strangers_everywhere_do_not_hold_up_a_known_device() -> None:
    for number in range(ACCOUNT_TRIES + 5):
        waits(LoginThrottle("ada@example.com", f"198.51.100.{number}"))
    fail_often(OWNER)
    assert waits(LoginThrottle("ada@example.com", OWNER)) > 0
    assert waits(LoginThrottle("ada@example.com", OWNER, device="laptop")) == 0


def test_a_known_device_has_its_own_limits() -> None:
    tries = [
        waits(LoginThrottle("ada@example.com", OWNER, device="laptop"))
        for _ in range(FREE_TRIES + 1)
    ]
    assert tries[:FREE_TRIES] == [0] * FREE_TRIES
    assert tries[-1] > 0
    for number in range(ACCOUNT_TRIES):
        waits(LoginThrottle("ada@example.com", OWNER, device=f"device {number}"))
    assert waits(LoginThrottle("ada@example.com", OWNER, device="one more")) > 0
    assert waits(LoginThrottle("ada@example.com", OWNER)) == 0


def test_sign_ins_leave_the_link_of_a_registration_alone() -> None:
    for number in range(ACCOUNT_TRIES + 5):
        waits(LoginThrottle("ada@example.com", f"198.51.100.{number}"))
    assert waits(LoginThrottle("ada@example.com", OWNER)) > 0
    assert waits(LoginThrottle("ada@example.com", OWNER, verification=True)) == 0


def test_what_is_no_address_is_counted_by_client_only() -> None:
    for number in range(ACCOUNT_TRIES + 5):
        assert waits(LoginThrottle("", f"198.51.100.{number}")) == 0
    tries = [waits(LoginThrottle("", STRANGER)) for _ in range(FREE_TRIES + 1)]
    assert tries[-1] > 0


# -- tries that were not judged ---------------------------------------------------------------------


def unjudged(throttle: LoginThrottle, meanwhile: Callable[[], Any] = bool) -> None:
    """Make a try that fails before the password is compared; `meanwhile` happens during it."""

    def fail() -> None:
        with throttle.given_back_if_unjudged():
            meanwhile()
            raise Overloaded

    throttle.hit()
    with pytest.raises(Overloaded):
        fail()


def test_tries_that_were_not_judged_do_not_count() -> None:
    throttle = LoginThrottle("ada@example.com", OWNER)
    for _ in range(ACCOUNT_TRIES + 5):
        unjudged(throttle)
    assert [waits(throttle) for _ in range(FREE_TRIES)] == [0] * FREE_TRIES
    assert waits(throttle) > 0


def test_tries_count_until_they_are_given_back() -> None:
    throttle = LoginThrottle("ada@example.com", OWNER)
    for _ in range(FREE_TRIES - 1):
        throttle.hit()
    last = LoginThrottle("ada@example.com", OWNER)
    unjudged(last, lambda: waits(throttle) > 0 or pytest.fail("parallel tries are not counted"))
    assert waits(throttle) == 0


def test_what_is_given_back_late_shortens_no_delay_of_another_try(redis_client: Any) -> None:
    throttle = LoginThrottle("ada@example.com", OWNER)
    for _ in range(FREE_TRIES - 1):
        throttle.hit()

    def another() -> None:
        pass_the_wait(redis_client)  # of the try that is not judged yet
        LoginThrottle("ada@example.com", OWNER).hit()

    unjudged(throttle, another)
    assert waits(throttle) > 0


def test_what_is_given_back_after_a_success_is_no_extra_try() -> None:
    throttle = LoginThrottle("ada@example.com", OWNER)

    def success() -> None:
        LoginThrottle("ada@example.com", OWNER).clear()
        for _ in range(FREE_TRIES - 1):
            LoginThrottle("ada@example.com", OWNER).hit()

    unjudged(throttle, success)
    assert waits(throttle) == 0  # the tenth
    assert waits(throttle) > 0


def test_a_judged_try_is_not_given_back() -> None:
    throttle = LoginThrottle("ada@example.com", OWNER)
    for _ in range(FREE_TRIES):
        throttle.hit()
        with throttle.given_back_if_unjudged():
            pass  # compared, and wrong
    assert waits(throttle) > 0
