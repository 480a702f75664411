"""Why auth_api refuses the site's service token: the operator's log tells clocks from keys."""

import pytest
from django.utils.http import http_date

from frontend_site.backend.answer import ServiceTokenRefused, checked

NOW = 1_800_000_000
REFUSAL = b'{"type": "urn:gatehouse:problem:service-token-required"}'


@pytest.mark.parametrize(
    ("date", "cause"),
    [
        (http_date(NOW), "GATEHOUSE_SERVICE_KEYS of the two services differ; their clocks agree"),
        (
            http_date(NOW - 3600),
            "the clock of this host is 3600 s ahead of that of auth_api; synchronize both",
        ),
        (
            http_date(NOW + 61),
            "the clock of this host is 61 s behind that of auth_api; synchronize both",
        ),
        ("yesterday", "the clocks or GATEHOUSE_SERVICE_KEYS of the two services differ"),
    ],
)
def test_a_refused_service_token_tells_clocks_from_keys(
    monkeypatch: pytest.MonkeyPatch, date: str, cause: str
) -> None:
    monkeypatch.setattr("frontend_site.backend.answer.time.time", lambda: NOW)
    lines = [("content-type", "application/problem+json"), ("date", date)]
    with pytest.raises(ServiceTokenRefused) as refused:
        checked(401, lines, REFUSAL)
    assert str(refused.value) == f"service token refused: {cause}"
