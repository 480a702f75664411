"""Which connections a worker keeps when it has too many."""

import pytest

from frontend_site.connections.admission import Admission, client_of


class Client:
    """A connection that only remembers whether it was evicted."""

    def __init__(self, address: str | None) -> None:
        self.address = address
        self.idle = True
        self.evicted = False

    def evict(self) -> None:
        self.evicted = True


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (("192.0.2.7", 5000), "192.0.2.7"),
        (("::ffff:192.0.2.7", 5000, 0, 0), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 5000, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5000, 0, 2), "fe80::/64"),
        (("127.0.0.1", 5000), None),
        (("::1", 5000, 0, 0), None),
        (("::ffff:127.0.0.1", 5000, 0, 0), None),
        ("", None),
        (b"", None),
    ],
)
def test_what_counts_as_one_client(peer: object, client: str | None) -> None:
    assert client_of(peer) == client


def admitted(admission: Admission, *addresses: str | None) -> list[Client]:
    clients = [Client(address) for address in addresses]
    for client in clients:
        assert admission.has_room(client.address)
        admission.admit(client)
    return clients


def evicted(clients: list[Client]) -> list[int]:
    return [number for number, client in enumerate(clients) if client.evicted]


def test_an_address_may_come_back_when_one_of_its_connections_has_gone() -> None:
    admission = Admission(room=100, share=3)
    first, *_ = admitted(admission, *["a"] * 3)
    assert not admission.has_room("a")
    admission.leave(first)
    assert admission.has_room("a")


def test_an_address_gets_sixteen_unfinished_requests_and_may_have_more_idle() -> None:
    admission = Admission(room=100, share=100)
    clients = [Client("a") for _ in range(16)]
    for client in clients:
        client.idle = False
        assert admission.has_room("a")
        admission.admit(client)
    assert not admission.has_room("a")
    assert admission.has_room("b")
    admission.go_on(clients[0])  # it is being answered
    assert admission.has_room("a")
    clients[0].idle = True
    admission.wait(clients[0])
    assert admission.has_room("a")
    clients[0].idle = False
    admission.wait(clients[0])
    assert not admission.has_room("a")


def test_who_has_most_makes_room_and_then_the_oldest() -> None:
    admission = Admission(room=5, share=5)
    clients = admitted(admission, "b", "a", "a", "b", "a")
    admitted(admission, "c")
    assert evicted(clients) == [1]
    admission.leave(clients[1])
    admitted(admission, "c")  # six, of five: a, a, b, b, c, c
    assert evicted(clients) == [0, 1]


def test_unknown_addresses_make_room_for_each_other() -> None:
    admission = Admission(room=2, share=1)
    clients = admitted(admission, None, None)
    admitted(admission, None)
    assert evicted(clients) == [0]


def test_what_is_under_way_is_not_closed() -> None:
    admission = Admission(room=2, share=2)
    clients = admitted(admission, "a", "a")
    admission.go_on(clients[0])
    admitted(admission, "b")
    assert evicted(clients) == [1]


def test_a_worker_that_waits_for_nobody_takes_no_more() -> None:
    admission = Admission(room=2, share=2)
    clients = admitted(admission, "a", "b")
    for client in clients:
        admission.go_on(client)
    assert not admission.has_room("c")
    admission.wait(clients[1])
    assert admission.has_room("c")
    assert evicted(clients) == [1]


def test_a_browser_is_not_told_that_it_has_most() -> None:
    """Eight connections are a browser's; with more, an address that has most gets no more."""
    admission = Admission(room=8, share=100)
    clients = admitted(admission, *["a"] * 8)
    admitted(admission, "a")
    assert evicted(clients) == [0]
    assert not admission.has_room("a")
