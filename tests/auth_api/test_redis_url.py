"""REDIS_URL: every form with credentials, TLS and IPv6; what would be ignored is refused."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from auth_api.settings.redis import caches, fails_over

TWO = [("10.0.0.1", 26379), ("10.0.0.2", 26379)]


def options_of(url: str) -> dict[str, Any]:
    options: dict[str, Any] = caches(url)["sessions"]["OPTIONS"]
    return options


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "redis://h?db=2",
        "rediss://:p@h:6380/1?ssl_ca_certs=/ca.pem",
        "unix:///run/v.sock",
    ],
)
def test_one_server_is_read_by_redis_py(url: str) -> None:
    assert caches(url)["sessions"]["LOCATION"] == url
    assert not fails_over(caches(url))


@pytest.mark.parametrize(
    ("hosts", "addresses"),
    [
        ("10.0.0.1:26379,10.0.0.2:26379", TWO),
        ("10.0.0.1:26379, 10.0.0.2:26379", TWO),
        ("[::1]:26379", [("::1", 26379)]),
        ("[2001:db8::7]:26379,redis.internal:1", [("2001:db8::7", 26379), ("redis.internal", 1)]),
    ],
)
def test_addresses_are_read(hosts: str, addresses: Any) -> None:
    assert options_of(f"redis+sentinel://{hosts}/main")["SENTINELS"] == addresses
    assert options_of(f"redis+cluster://{hosts}")["STARTUP_NODES"] == addresses


def test_sentinels_and_servers_have_credentials_of_their_own() -> None:
    url = "redis+sentinel://app:s%40crt@10.0.0.1:26379/main/2?sentinel_password=watch%26er"
    options = options_of(url)
    assert (options["USERNAME"], options["PASSWORD"]) == ("app", "s@crt")
    assert options["SENTINEL_KWARGS"]["password"] == "watch&er"
    assert "username" not in options["SENTINEL_KWARGS"]
    assert caches(url)["sessions"]["LOCATION"] == "redis://main/2"
    assert fails_over(caches(url))


def test_a_password_without_a_user_is_that_of_the_default_user() -> None:
    options = options_of("redis+cluster://:secret@10.0.0.1:6379")
    assert options["CLUSTER_KWARGS"]["password"] == "secret"
    assert options["CLUSTER_KWARGS"]["username"] is None


def test_tls_is_for_sentinels_and_servers() -> None:
    options = options_of("rediss+sentinel://10.0.0.1:26379/main?ssl_ca_certs=/ca.pem")
    for arguments in (options["SENTINEL_KWARGS"], options["CONNECTION_POOL_KWARGS"]):
        assert arguments["ssl"] is True
        assert arguments["ssl_ca_certs"] == "/ca.pem"
    assert options_of("rediss+cluster://10.0.0.1:6379")["CLUSTER_KWARGS"]["ssl"] is True


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("10.0.0.1:6379", "must be redis://"),
        ("http://10.0.0.1", "must be redis://"),
        ("redis+sentinel://:s3cret@a@10.0.0.1:26379/main", "percent-encoded"),
        ("redis+sentinel://10.0.0.1:26379", "the path"),
        ("redis+sentinel://10.0.0.1:26379/", "the path"),
        ("redis+sentinel://10.0.0.1:26379/main/two", "the path"),
        ("redis+sentinel://10.0.0.1/main", "host:port"),
        ("redis+sentinel://::1:26379/main", "host:port"),
        ("redis+sentinel://10.0.0.1:99999/main", "host:port"),
        ("redis+cluster://10.0.0.1:6379,", "host:port"),
        ("redis+cluster://10.0.0.1:6379/1", "one database"),
        ("redis+cluster://10.0.0.1:6379?password=s3cret", "takes no options"),
        ("redis+cluster://10.0.0.1:6379?ssl_ca_certs=/s3cret", "takes no options"),
        ("rediss+cluster://10.0.0.1:6379?sentinel_password=s3cret", "the options are ssl_ca_certs"),
        ("redis+sentinel://10.0.0.1:26379/main?sentinel_pasword=s3cret", "sentinel_password"),
        ("redis://:s3cret@redis.example?ssl=true", "unknown option"),
        ("redis://:s3cret@redis.example?ssl_ca_certs=/ca.pem", "unknown option"),
        ("rediss://:s3cret@redis.example?ssl_cert_reqs=none", "unknown option"),
        ("rediss://:s3cret@redis.example?ssl_check_hostname=false", "unknown option"),
        ("unix:///s3cret.sock?socket_timeout=600", "unknown option"),
        ("redis://:s3cret@redis.example/one", "redis-py does not know"),
        ("redis://u:s3cret[w@h:1/0", "redis-py does not know"),
        ("redis://u:s3cret\u2100@h:1/0", "redis-py does not know"),
        ("redis+sentinel://u:s3cret[w@h:1", "the path"),
        ("redis+cluster://u:s3cret\u2100@h:1/0", "one database"),
    ],
)
def test_what_would_be_ignored_is_refused_without_being_shown(url: str, says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL: ") as refused:
        caches(url)
    assert says in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert "\n" not in str(refused.value)
