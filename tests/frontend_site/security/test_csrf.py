"""The signed token: whose it is, and what it is worth."""

import pytest

from frontend_site.security.csrf import ANONYMOUS, CsrfSigner, CsrfState, Verdict, binding_of
from frontend_site.session_token import SessionToken
from gatehouse.keys import Key
from tests.frontend_site.stub import NEW_TOKEN, TOKEN

OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)
SIGNER = CsrfSigner([NEW, OLD])
SESSION = SessionToken(TOKEN)


def test_a_token_is_good_for_its_binding_only() -> None:
    token = SIGNER.issue(binding_of(SESSION))
    assert SIGNER.verify(token, binding_of(SESSION)) is Verdict.GOOD
    assert SIGNER.verify(token, binding_of(SessionToken(NEW_TOKEN))) is Verdict.EXPIRED
    assert SIGNER.verify(token, ANONYMOUS) is Verdict.EXPIRED


def test_every_key_of_the_list_verifies_and_the_first_signs() -> None:
    old = CsrfSigner([OLD]).issue(ANONYMOUS)
    assert SIGNER.verify(old, ANONYMOUS) is Verdict.GOOD
    assert CsrfSigner([OLD]).verify(SIGNER.issue(ANONYMOUS), ANONYMOUS) is Verdict.FORGED


def test_a_token_of_a_stranger_is_forged() -> None:
    stranger = CsrfSigner([Key("evil", b"e" * 32)])
    assert SIGNER.verify(stranger.issue(ANONYMOUS), ANONYMOUS) is Verdict.FORGED


def test_each_changed_character_spoils_the_token() -> None:
    token = SIGNER.issue(ANONYMOUS)
    for index, character in enumerate(token):
        other = "A" if character != "A" else "B"
        changed = token[:index] + other + token[index + 1 :]
        assert SIGNER.verify(changed, ANONYMOUS) is Verdict.FORGED


@pytest.mark.parametrize("token", [None, "", ".", "..", "a.b.c", "\0" * 89, "\xe9" * 89, "A" * 89])
def test_a_garbled_token_is_forged_and_never_an_error(token: str | None) -> None:
    assert SIGNER.verify(token, ANONYMOUS) is Verdict.FORGED


def test_tokens_do_not_repeat_and_show_nothing_of_the_session() -> None:
    tokens = {SIGNER.issue(binding_of(SESSION)) for _ in range(200)}
    parts = {part for token in tokens for part in token.split(".")}
    assert len(tokens) == 200
    assert len(parts) == 600
    assert not any(part in TOKEN or TOKEN[-20:] in part for part in parts)


def test_a_good_cookie_is_kept_so_that_tabs_share_one_token() -> None:
    cookie = SIGNER.issue(ANONYMOUS)
    state = CsrfState(SIGNER, cookie, None)
    assert (state.token(), state.fresh) == (cookie, None)


def test_a_cookie_of_another_session_is_replaced() -> None:
    state = CsrfState(SIGNER, SIGNER.issue(ANONYMOUS), SESSION)
    assert SIGNER.verify(state.token(), binding_of(SESSION)) is Verdict.GOOD
    assert state.fresh == state.token()


def test_the_submitted_token_must_be_the_cookies_own() -> None:
    cookie, other = SIGNER.issue(ANONYMOUS), SIGNER.issue(ANONYMOUS)
    state = CsrfState(SIGNER, cookie, None)
    assert state.judge(cookie) is Verdict.GOOD
    assert state.judge(other) is Verdict.EXPIRED
    assert CsrfState(SIGNER, None, None).judge(cookie) is Verdict.EXPIRED


def test_a_cookie_that_no_server_of_ours_wrote_is_no_error() -> None:
    token = SIGNER.issue(ANONYMOUS)
    assert CsrfState(SIGNER, "\xe9" * 89, None).judge(token) is Verdict.EXPIRED


def test_one_forged_token_in_both_places_is_refused() -> None:
    forged = CsrfSigner([Key("evil", b"e" * 32)]).issue(ANONYMOUS)
    assert CsrfState(SIGNER, forged, None).judge(forged) is Verdict.FORGED


def test_after_a_sign_in_the_token_and_the_judge_are_of_the_new_session() -> None:
    before = SIGNER.issue(ANONYMOUS)
    state = CsrfState(SIGNER, before, None)
    assert state.token() == before
    state.rebind(SESSION)
    assert state.fresh == state.token()
    assert SIGNER.verify(state.token(), binding_of(SESSION)) is Verdict.GOOD
    assert state.judge(before) is Verdict.EXPIRED


def test_a_token_is_made_once_in_a_request() -> None:
    state = CsrfState(SIGNER, None, SESSION)
    assert state.token() == state.token() == state.fresh
