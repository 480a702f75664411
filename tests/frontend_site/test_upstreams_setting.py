"""GATEHOUSE_UPSTREAMS."""

import re

import pytest
from django.core.exceptions import ImproperlyConfigured

from frontend_site.settings.upstream_options import UpstreamOptions
from frontend_site.settings.upstreams import Upstream, parse_upstreams


def test_names_lead_to_addresses() -> None:
    found = parse_upstreams(["reports=http://10.0.0.7:9000/base/", "a-1=https://files.internal"])
    assert found == (
        Upstream("reports", "http", "10.0.0.7", 9000, "/base"),
        Upstream("a-1", "https", "files.internal", 443, ""),
    )
    assert found[0].server.authority == "10.0.0.7:9000"
    assert found[1].server.authority == "files.internal"
    assert parse_upstreams(["x=http://[::1]:80"])[0].server.authority == "[::1]"


@pytest.mark.parametrize(
    "item",
    [
        "reports", "=http://a", "auth=http://a", "Reports=http://a", "-x=http://a", "a/b=http://a",
        "x=a:80", "x=ftp://a", "x=http://", "x=http://user@a", "x=http://a?b", "x=http://a#b",
        "x=http://a;", "x=http://a+", "x=http://a+websocket=no", "x=http://a+websocket=yes+websocket=yes",
        "x=http://a/../b", "x=http://a/%2e", "x=http://a//b", "x=http://a:99999", "x" * 33 + "=http://a",
    ],
)  # fmt: skip
def test_a_doubtful_one_is_refused_at_the_start(item: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_UPSTREAMS"):
        parse_upstreams([item])


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured):
        parse_upstreams(["x=http://a", "x=http://b"])


def test_websockets_are_off_unless_an_upstream_has_them() -> None:
    off, on = parse_upstreams(["x=http://a", "y=http://b/base+websocket=yes"])
    assert (off.options.websocket, on.options.websocket, on.base) == (False, True, "/base")


def _options(said: str) -> UpstreamOptions:
    return parse_upstreams([f"x=http://a:80/base+{said}"])[0].options


def test_options_follow_the_address() -> None:
    assert _options("host=public+redirects=any+paths=encoded+silence=5m") == UpstreamOptions(
        public_host=True, any_redirect=True, encoded_paths=True, silence=300
    )
    assert _options("request_headers=X-Tenant|Tus-*").request_headers == {"x-tenant", "tus-*"}
    assert _options("answer_headers=X-Tenant").answer_headers == {"x-tenant"}
    assert _options("cookies=theme|lang").cookies == {"theme", "lang"}
    assert _options("claims=email|groups").claims == {"email", "groups"}
    assert _options("methods=OPTIONS|REPORT").methods == {"OPTIONS", "REPORT"}
    assert {"OPTIONS", "PROPFIND", "MKCALENDAR"} < _options("methods=webdav").methods
    assert parse_upstreams(["x=http://a"])[0].options == UpstreamOptions()


@pytest.mark.parametrize(
    "said",
    [
        "cookies=", "cookies=__Host-session", "cookies=a b", "cookies=a;b", "cookies=a|", "claims=", "claims=sub",
        "", "x", "host", "host=", "host=private", "redirects=all", "paths=raw", "silence=", "silence=0s",
        "silence=2d", "silence=-1", "methods=", "methods=TRACE", "methods=CONNECT", "methods=propfind",
        "methods=OPTIONS|", "host=public+host=public", "Host=public", "request_headers=",
        "request_headers=X Tenant", "request_headers=X_Tenant", "request_headers=X-A|", "answer_headers=*",
        "answer_headers=X:Y", "answer_headers=*-Id", "x=y",
    ],
)  # fmt: skip
def test_a_doubtful_option_is_refused_in_one_line(said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"\AGATEHOUSE_UPSTREAMS: 'x' [^\n]+\.\Z"):
        _options(said)


@pytest.mark.parametrize("option", ["request_headers", "answer_headers"])
@pytest.mark.parametrize(
    "name",
    [
        "X-User", "X-Auth-User", "X-Authenticated-User", "Cf-Access-Jwt-Assertion", "X-Goog-Iap-Jwt-Assertion",
        "X-Amzn-Oidc-Identity", "X-MS-Client-Principal", "Tailscale-User-Login", "X-Consumer-Username", "Oidc-Claim-Sub",
        "SSL-Client-S-DN", "X-SSL-Client-Cert", "X-Client-Cert", "Fly-Client-IP", "X-Script-Name", "Login-Status",
        "Secure-Session-Challenge",
        "Cookie", "cookie2", "Set-Cookie", "Authorization", "WWW-Authenticate", "X-CSRF-Token", "Forwarded",
        "X-Forwarded-For", "X-FORWARDED-USER", "X-Forwarded-Anything", "X-Real-IP", "Remote-User", "remote-groups",
        "X-Remote-User", "X-WebAuth-User", "X-Authentik-Uid", "X-Auth-Request-Email", "Gatehouse-User-Id",
        "X-Accel-Redirect", "X-Sendfile", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
        "X-Original-URL", "X-Rewrite-URL", "X-Original-Method", "Service-Worker-Allowed", "Sec-Fetch-Site",
        "Sec-WebSocket-Key", "Refresh", "Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        "Proxy-Authorization", "Host", "Content-Length", "Content-Security-Policy",
        "Content-Security-Policy-Report-Only", "Strict-Transport-Security", "X-Frame-Options",
        "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy",
        "Access-Control-Allow-Origin", "Clear-Site-Data", "Location", "Cache-Control", "Destination", "Expect",
        "X-Request-Id", "traceparent", "X-*", "C*", "Remote*", "Sec-F*", "X-Forward*", "Content-*",
    ],
)  # fmt: skip
def test_no_option_passes_what_gatehouse_decides(option: str, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(f"must not list {name} in {option}")):
        _options(f"{option}=X-Fine|{name}")


@pytest.mark.parametrize("name", ["auth", "forward-auth"])
def test_no_upstream_has_the_audience_of_another_receiver(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="auth and forward-auth are reserved"):
        parse_upstreams([f"{name}=http://a"])
