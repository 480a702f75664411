"""GATEHOUSE_ACCESS_RULES, as the settings read it."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from frontend_site.settings.access_rules import AccessRule, parse_access_rules
from frontend_site.settings.upstreams import parse_upstreams

UPSTREAMS = parse_upstreams(["reports=http://127.0.0.1:9"])
REPORTS = "/api/reports/=signed-in"


def test_rules_are_read() -> None:
    items = ["/app/=signed-in", "/a/b/=group:dev|group:Ops team", "/wiki/=group:ed+click", REPORTS]
    assert parse_access_rules(items, UPSTREAMS) == (
        AccessRule("/app/"),
        AccessRule("/a/b/", frozenset({"dev", "Ops team"})),
        AccessRule("/wiki/", frozenset({"ed"}), click=True),
        AccessRule("/api/reports/"),
    )


@pytest.mark.parametrize(
    "item",
    [
        "/app/", "/app/=", "/app/=everybody", "/app/=signed_in", "/app/=SIGNED-IN", "=signed-in",
        "app/=signed-in", "/app=signed-in", "//app/=signed-in", "/app//=signed-in", "/=signed-in",
        "/a%70p/=signed-in", "/app/*=signed-in", "/app/../=signed-in", "/app/./=signed-in",
        "/app/=group:", "/app/=group: ", "/app/=ops", "/app/=group:dev|ops", "/app/=group:dev|",
        "/app/=signed-in|group:dev", "/app/=group:a:b", "/app/=group:a=b", "/app/=group:ops ",
        "/app/=signed-in+", "/app/=signed-in+clicks", "/app/=signed-in+click+click",
        "/app/=+click", "/app/:click=signed-in", "/app/=signed-in=signed-in",
        "/api/reports/x/=signed-in+click", "/api/other/=signed-in", "/api/auth/=signed-in",
        "/API/reports/=signed-in", "/auth/verify/=signed-in", "/Login/=signed-in",
    ],
)  # fmt: skip
def test_a_wrong_rule_is_refused_in_one_line(item: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^GATEHOUSE_ACCESS_RULES: .*\.$") as caught:
        parse_access_rules([REPORTS, item], UPSTREAMS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("items", [["/app/=signed-in"] * 2, ["/app/=signed-in", "/App/=group:a"]])
def test_two_rules_for_one_path_are_refused(items: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="has two rules"):
        parse_access_rules(items, ())


def test_an_upstream_without_a_rule_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="Add /api/reports/=signed-in"):
        parse_access_rules(["/app/=signed-in"], UPSTREAMS)
    for item in ("/api/=signed-in", "/api/reports/open/=signed-in"):
        assert parse_access_rules([item], UPSTREAMS)
