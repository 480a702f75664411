"""GATEHOUSE_UPSTREAMS."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from frontend_site.settings.upstreams import Upstream, parse_upstreams


def test_names_lead_to_addresses() -> None:
    found = parse_upstreams(
        ["reports=http://10.0.0.7:9000/base/", "a-1=https://files.internal"], ["a-1:theme"]
    )
    assert found == (
        Upstream("reports", "http", "10.0.0.7", 9000, "/base"),
        Upstream("a-1", "https", "files.internal", 443, "", frozenset({"theme"})),
    )
    assert found[0].server.authority == "10.0.0.7:9000"
    assert found[1].server.authority == "files.internal"
    assert parse_upstreams(["x=http://[::1]:80"], [])[0].server.authority == "[::1]"


@pytest.mark.parametrize(
    "item",
    [
        "reports", "=http://a", "auth=http://a", "Reports=http://a", "-x=http://a", "a/b=http://a",
        "x=a:80", "x=ftp://a", "x=http://", "x=http://user@a", "x=http://a?b", "x=http://a#b",
        "x=http://a;", "x=http://a;websocket=no", "x=http://a;websocket=yes;websocket=yes", "x=http://a;y=z",
        "x=http://a/../b", "x=http://a/%2e", "x=http://a//b", "x=http://a:99999", "x" * 33 + "=http://a",
    ],
)  # fmt: skip
def test_a_doubtful_one_is_refused_at_the_start(item: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_UPSTREAMS"):
        parse_upstreams([item], [])


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured):
        parse_upstreams(["x=http://a", "x=http://b"], [])


def test_websockets_are_off_unless_an_upstream_has_them() -> None:
    off, on = parse_upstreams(["x=http://a", "y=http://b/base;websocket=yes"], [])
    assert (off.websocket, on.websocket, on.base) == (False, True, "/base")


@pytest.mark.parametrize("item", ["theme", "y:theme", "x:", "x:__Host-session", "x:a b", "x:a;b"])
def test_a_doubtful_cookie_is_refused_too(item: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_UPSTREAM_COOKIES"):
        parse_upstreams(["x=http://a"], [item])
