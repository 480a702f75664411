"""`request.user` in Django's vocabulary."""

import json

import pytest

from frontend_site.backend.client import Answer, AuthApiUnavailable
from frontend_site.backend.users import NOBODY, SiteUser
from tests.frontend_site.stub import USER, current_session


def answer_about(**changes: object) -> Answer:
    return Answer(200, json.dumps(current_session(**changes)).encode(), {})


def test_somebody_signed_in_is_described_as_by_django() -> None:
    user = SiteUser.of(answer_about(is_staff=True))
    assert (user.id, user.pk, user.email, user.name) == (
        USER["id"], USER["id"], USER["email"], USER["name"],
    )  # fmt: skip
    assert (user.is_authenticated, user.is_anonymous, user.is_active) == (True, False, True)
    assert user.is_staff is True
    assert (user.get_username(), str(user)) == (USER["email"], USER["email"])
    assert SiteUser.of(answer_about(name=None)).name == ""


def test_nobody_is_described_as_by_django() -> None:
    assert (NOBODY.id, NOBODY.pk, NOBODY.email, NOBODY.name) == (None, None, "", "")
    assert (NOBODY.is_authenticated, NOBODY.is_anonymous) == (False, True)
    assert (NOBODY.is_active, NOBODY.is_staff) == (False, False)
    assert (NOBODY.get_username(), str(NOBODY)) == ("", "AnonymousUser")


def test_users_are_equal_by_their_ids() -> None:
    ada = SiteUser.of(answer_about())
    assert ada == SiteUser.of(answer_about(email="new@example.com"))
    assert len({ada, SiteUser.of(answer_about(name="A. Lovelace"))}) == 1
    assert ada != SiteUser.of(answer_about(id="another"))
    assert ada != NOBODY


@pytest.mark.parametrize("document", [{}, {"user": None}, {"user": {"id": "x"}}, {"user": []}])
def test_an_answer_without_its_user_is_unknown(document: object) -> None:
    with pytest.raises(AuthApiUnavailable):
        SiteUser.of(Answer(200, json.dumps(document).encode(), {}))
