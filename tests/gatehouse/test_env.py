"""Variables: what they may be, and what an operator reads when one cannot work."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gatehouse import variables
from gatehouse.env import Env, choose_environment, stop_in_one_line
from gatehouse.keys import Key, parse_keys
from gatehouse.variables import Variable


def read(variable: Variable[Any], text: str, *, environment: str = "production") -> Any:
    return Env({"GATEHOUSE_ENV": environment, variable.name: text}).read(variable)


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        (variables.SESSION_IDLE, "1800", 1800),
        (variables.SESSION_IDLE, "90s", 90),
        (variables.SESSION_IDLE, " 30m ", 1800),
        (variables.SESSION_IDLE, "12h", 43200),
        (variables.SESSION_IDLE, "7d", 604800),
        (variables.SESSION_IDLE, "", 3600),
        (variables.UPSTREAM_BODY_LIMIT, "2048", 2048),
        (variables.UPSTREAM_BODY_LIMIT, "64KiB", 65536),
        (variables.UPSTREAM_BODY_LIMIT, "64MiB", 67108864),
        (variables.UPSTREAM_BODY_LIMIT, "2GiB", 2147483648),
        (variables.AUTH_API_WORKERS, "", 2),
        (variables.AUTH_API_WORKERS, "3", 3),
        (variables.PUBLIC_ORIGIN, "https://shop.example:443", "https://shop.example"),
        (variables.PUBLIC_ORIGIN, "https://Shop.Example/", "https://shop.example"),
        (variables.PUBLIC_ORIGIN, " https://shop.example ", "https://shop.example"),
        (variables.PUBLIC_ORIGIN, "http://localhost:8000", "http://localhost:8000"),
        (variables.PUBLIC_ORIGIN, "https://bücher.example:8443", "https://xn--bcher-kva.example:8443"),
        (variables.PUBLIC_ORIGIN, "https://[::0001]", "https://[::1]"),
        (variables.ALLOWED_HOSTS, "Shop.example, bücher.example", ["shop.example", "xn--bcher-kva.example"]),
        (variables.ALLOWED_HOSTS, "localhost,[::1]", ["localhost", "[::1]"]),
        (variables.AUTH_API_BIND, "::1", "[::1]"),
        (variables.AUTH_API_BIND, "[::1]", "[::1]"),
        (variables.AUTH_API_BIND, "10.0.0.7", "10.0.0.7"),
        (variables.FRONTEND_BIND, "site.internal", "site.internal"),
        (variables.AUTH_API_URL, "https://auth.internal:8001/", "https://auth.internal:8001"),
        (variables.DEFAULT_FROM_EMAIL, '"Shop, Inc." <a@shop.example>', '"Shop, Inc." <a@shop.example>'),
        (variables.DEFAULT_FROM_EMAIL, "a@shop.example", "a@shop.example"),
        (variables.SITE_NAME, "Björn & Söhne, Inc.", "Björn & Söhne, Inc."),
        (variables.MAIL_DOMAINS, "", frozenset()),
        (variables.MAIL_DOMAINS, "Shop.Example, faß.de", frozenset({"shop.example", "xn--fa-hia.de"})),
    ],
)  # fmt: skip
def test_a_value_becomes_what_it_means(variable: Variable[Any], text: str, value: object) -> None:
    assert read(variable, text) == value


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        (variables.SESSION_IDLE, "soon", "must be a duration from 10s to 365d"),
        (variables.SESSION_IDLE, "-5", "must be a duration"),
        (variables.SESSION_IDLE, "30 m", "must be a duration"),
        (variables.SESSION_IDLE, "1w", "must be a duration"),
        (variables.RESET_LIFETIME, "0", "must be a duration from 1m to 7d"),
        (variables.UPSTREAM_BODY_LIMIT, "1GB", "must be a size"),
        (variables.SESSION_LIMIT, "-1", "must be a whole number from 0 to"),
        (variables.SESSION_LIMIT, "1e3", "must be a whole number"),
        (variables.PROXY_HOPS, "6", "must be a whole number from 0 to 5"),
        (variables.PROXY_HOPS, "one", "must be a whole number from 0 to 5"),
        (variables.ARGON2_MEMORY_KIB, "1", "must be a whole number from 8 to"),
        (variables.AUTH_API_PORT, "0", "must be a whole number from 1 to 65535"),
        (variables.AUTH_API_WORKERS, "0", "must be a whole number from 1 to"),
        (variables.RECORD_FORMAT, "3", "must be a whole number from 1 to 2"),
        (variables.SESSION_LIMIT_POLICY, "hope", "must be one of end-oldest, refuse"),
        (variables.LOG_LEVEL, "LOUD", "must be one of DEBUG, INFO"),
        (variables.ENVIRONMENT, "staging", "must be one of production, development, test"),
        (variables.PUBLIC_ORIGIN, "shop.example", "must be an origin such as https://example.com"),
        (variables.PUBLIC_ORIGIN, "https://shop .example", "must be an origin"),
        (variables.PUBLIC_ORIGIN, "https://shop.example/app", "must be an origin"),
        (variables.PUBLIC_ORIGIN, "https://", "must be an origin"),
        (variables.PUBLIC_ORIGIN, "https://u:hunter2@shop.example", "must be an origin"),
        (variables.PUBLIC_ORIGIN, "https://shop.example:many", "must be an origin"),
        (variables.ALLOWED_HOSTS, "shop.example:443", "must be a comma-separated list of host names, without scheme, port"),
        (variables.ALLOWED_HOSTS, "https://shop.example", "must be a comma-separated list of host names, without scheme"),
        (variables.AUTH_API_URL, "auth.internal:8001", "must be an http:// or https:// URL"),
        (variables.AUTH_API_URL, "http://u:hunter2@auth.internal", "must be an http:// or https://"),
        (variables.AUTH_API_URL, "http://auth.internal:99999", "must be an http:// or https://"),
        (variables.AUTH_API_BIND, "10.0.0.7:8001", "must be an address or a host name"),
        (variables.DEFAULT_FROM_EMAIL, "Shop, Inc. <a@shop.example>", "must be one address"),
        (variables.DEFAULT_FROM_EMAIL, "a@shop.example, b@shop.example", "must be one address"),
        (variables.DEFAULT_FROM_EMAIL, "Shop", "must be one address"),
        (variables.SITE_NAME, "Shop <a@shop.example>", "must be at most 60 printable"),
        (variables.SITE_NAME, "Shop\r\nBcc: everybody@shop.example", "must be at most 60 printable"),
        (variables.SITE_NAME, "x" * 61, "must be at most 60"),
        (variables.REGISTRATION, "no", "must be one of open, invite, closed"),
        (variables.MAIL_DOMAINS, ",", "must be a comma-separated list of domains"),
        (variables.SECOND_FACTOR_GROUPS, " , ", "must be a comma-separated list of names of groups"),
        (variables.SECOND_FACTOR_GROUPS, "ops," + "x" * 151, "must be a comma-separated list of names"),
        (variables.CONTACT, "Ada\nLovelace", "must be at most 200 printable characters"),
        (variables.CONTACT, "x" * 201, "must be at most 200 printable characters"),
        (variables.MAIL_DOMAINS, "@shop.example", "must be a comma-separated list of domains"),
        (variables.MAIL_DOMAINS, "*.shop.example", "must be a comma-separated list of domains"),
        (variables.MAIL_DOMAINS, ".shop.example", "must be a comma-separated list of domains"),
        (variables.MAIL_DOMAINS, "shop.example.", "must be a comma-separated list of domains"),
        (variables.MAIL_DOMAINS, "a@shop.example", "must be a comma-separated list of domains"),
        (variables.MAIL_DOMAINS, "192.0.2.7", "must be a comma-separated list of domains"),
        (variables.CERTFILE, "/no/such/file.pem", "must be a file that the service can read"),
        (variables.SERVICE_KEYS, "k1:hunter2", "must be `<id>:<secret of 32 or more"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_work_is_refused_by_name(
    variable: Variable[Any], text: str, message: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(variable, text)
    assert str(refused.value).startswith(f"{variable.name} {message}")
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_broken_value_without_an_effect_is_refused_by_the_service_that_would_read_it() -> None:
    """Without apps nobody connects to a database of the site: the fault would show when the first app comes."""
    env = Env({"GATEHOUSE_ENV": "production", "SITE_DATABASE_CONNECTIONS": "0", "REDIS_URL": " "})
    env.require_sound("auth_api")
    with pytest.raises(ImproperlyConfigured, match="SITE_DATABASE_CONNECTIONS must be"):
        env.require_sound("frontend_site")


def test_production_has_no_default_for_what_it_requires() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"REDIS_URL is not set\. Set it"):
        Env({"GATEHOUSE_ENV": "production"}).read(variables.REDIS_URL, default="redis://here")
    assert Env({"GATEHOUSE_ENV": "test"}).read(variables.REDIS_URL, default="redis://here")


def test_a_start_stops_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop, stop_in_one_line():
        read(variables.PROXY_HOPS, "nine")
    assert str(stop.value) == (
        "gatehouse: GATEHOUSE_PROXY_HOPS must be a whole number from 0 to 5."
    )


def test_keys_are_listed_newest_first_and_hide_their_secret() -> None:
    keys = parse_keys(f"new:{'a' * 32}, old:{'b' * 32}")
    assert keys == (Key("new", b"a" * 32), Key("old", b"b" * 32))
    assert "aaa" not in repr(keys)


@pytest.mark.parametrize("text", ["", "a", "k1:short", f"K1:{'a' * 32}", f"k1:{'a' * 32},", ","])
def test_a_malformed_list_of_keys_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="malformed key") as refused:
        parse_keys(text)
    assert "aaaa" not in str(refused.value)


def test_a_file_must_be_there(tmp_path: Path) -> None:
    file = tmp_path / "localhost.crt"
    file.touch()
    assert read(variables.CERTFILE, str(file)) == str(file)


def test_a_server_that_forgets_its_variables_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not silently development, with a database and keys of its own beside production's."""
    monkeypatch.setenv("GATEHOUSE_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("GATEHOUSE_ENV", "")
    choose_environment(tmp_path)
    assert os.environ["GATEHOUSE_ENV"] == "development"
    assert "GATEHOUSE_ENV is not set" in capsys.readouterr().err
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secrets.env").touch()
    (tmp_path / ".env").write_text("#GATEHOUSE_ENV=production\n")
    monkeypatch.setenv("GATEHOUSE_ENV", "")
    choose_environment(tmp_path)
    assert capsys.readouterr().err == ""
    (tmp_path / ".env").write_text("X=1\nexport GATEHOUSE_ENV='production'\n")
    choose_environment(tmp_path)  # it is set
    monkeypatch.setenv("GATEHOUSE_ENV", "")
    with pytest.raises(SystemExit, match="set -a"):
        choose_environment(tmp_path)
