"""Records stay readable by later releases: an upgrade signs nobody out.

The bytes below are records of both formats and a card, as the releases of their time wrote them.
Never regenerate them: a failing test means that an upgrade would sign everyone out. Their time of
creation is 21 September 2026, and they are valid for 68 years.
"""

from dataclasses import replace
from typing import Any

import pytest

from auth_api.options import options
from auth_api.sessions import services
from auth_api.sessions.store import SessionStore
from auth_api.users.models import User
from gatehouse.keys import Key
from tests.auth_api.sessions.conftest import request_with, run_of

REF = "GoldenRef-_01234"
USER_ID = "0b7c7f0e-6f0a-4c38-9d0b-0f6f3a2f1a11"
EPOCH = 3
LIFETIME = 2**31 - 1  # seconds
KEY = Key("golden", b"golden session key, for the tests alone")
PLAIN, RICH = f"{REF}.{'s' * 43}", f"{REF}.{'t' * 43}"

INDEX_KEY, CARD_KEY = f"gh:{{{REF}}}:index", f"gh:{{{REF}}}:card"
ID_HASHES = {
    PLAIN: "1kuTyfG2DrM45ctBXWo2vZIO3Q6bNvfqXHMNDhD_FH8",
    RICH: "gDg_l08ilk_Wt66FG2zMkYDtTm_LLkFbr8q22CITkjg",
}
FORMAT_1 = {
    PLAIN: """
        01017fffffff7fffffff000000036ab13b806ab13b806ab13dd8000000077e000f3fb27c0b400ba27e302936
        025bfd94e36afbf0c77c71639e3ba6c75329eac0062586539c552d985e49887c4b395ef860c4a05e19972dbb
        67bea47db63912e28ee6bd60e8928572b1f694ef62293d669a4ab68a3a""",
    RICH: """
        01037fffffff7fffffff000000036ab13b806ab13b806ab13dd800000007f7ea0663655315f1bd8812833893
        a00999f22e47dd63b3bd0e1367001c1ad491afc2b2fd75f8677dd592935f468691ee9b4ac81b3c20f25a2aa0
        2ee933d8c8b3d8e14e2cbc7880d6d9bd16c1e1e151795f59d1ea031d1fd263e762ea3c86f517f8a5f3697306
        7d885e9a9ead9f5f356ffa764657759fc3a8970e8fcd88dd8748ade506ae182462a29dc3311361aef1eb45e0
        33cfbfdf645baa90018ff14324ca47d8e5ee7a2ad4d4326fafe821cc1c89b0976e9f48513c8fd02d66c1e8d8
        e97481e3""",
}
FORMAT_2 = {
    PLAIN: """
        02017fffffff7fffffff000000036ab13b806ab13b806ab13dd8000000078285b0b73a11cac80a08
        a7e03aa583a3921c1af6ce5461e80ef217405da32eee69b1e205057b87dc7718952910f4321600fe
        9b2945688f44f723b57cb988406526f8d3069e899b393f56cd0f654fa1d7ec8a548e4c751eeb607f
        14274c88603c4796d1586a69b45b""",
    RICH: """
        02037fffffff7fffffff000000036ab13b806ab13b806ab13dd800000007c114cd7c81941e6093ca
        e6f94ed30f97b2465617f1f4d8b36ac7bcfe381a253ce412e1de4e66c5987182c55467b4db53d7d9
        66725aa80ab650eb34bf43be193e3725d9e65e1837205107c532af393bba8c0e2c34b1d3e1f12f8e
        3fd53620c4252bf693dd0905b33a43608fb981d8b9164e251727c6e207672ff896c0dbb4ea176e98
        053eee7750d3dc448bb31fd966ae3136165433ab9c3fc827aa8423bc36c7c9717cb1d3d695daed9b
        f281d87e478085c4bc0632e886e6d5d026d61162b11f3efb90bb8770331165bb87f9a5efd9a1b1ae
        804759e0a059""",
}
CARD = """
    010100000003493c4f80d415064efbe4f9295144b41249e6d73dbb95de7473ca5cf6f97f45488b2fd9a59da9
    4d45bd41614f10b8e8a0b8ce2838ddca988a499848766ff2e7ba246077c3d223ce5373d9608be11d084a2711
    9534172a8e5698fa986f8c591f32fd59edfa6d680bc66ed0146f20d1"""


@pytest.fixture(autouse=True, params=[FORMAT_1, FORMAT_2], ids=["format 1", "format 2"])
def stored(transactional_db: None, redis_client: Any, settings: Any, request: Any) -> Any:
    """Set up a store and a database as an earlier release left them; return the records."""
    # A write gives a session the lifetime of the settings.
    settings.GATEHOUSE = replace(
        options(), session_keys=(KEY,), session_absolute=LIFETIME, remember_absolute=LIFETIME
    )
    User.objects.create(
        id=USER_ID, email="ada@example.com", email_verified=True, name="Ada of the row",
        session_ref=REF, session_epoch=EPOCH,
    )  # fmt: skip
    redis_client.flushall()
    redis_client.zadd(INDEX_KEY, {"e": EPOCH})
    for token, record in request.param.items():
        redis_client.set(f"gh:{{{REF}}}:s:{ID_HASHES[token]}", bytes.fromhex(record))
        redis_client.zadd(INDEX_KEY, {ID_HASHES[token]: 3_937_483_647_000})
    redis_client.set(CARD_KEY, bytes.fromhex(CARD) + run_of(REF))
    return request.param


def test_a_stored_session_opens(redis_client: Any) -> None:
    current = services.current_session(request_with(PLAIN), slide=False)
    assert current.user == {
        "id": USER_ID,
        "email": "ada@example.com",
        "name": "Ada of the card",
        "email_verified": True,
        "is_staff": False,
        "date_joined": "2026-03-02T08:00:00Z",
    }
    session = current.session
    assert (session.created_at, session.assurance.auth_time) == (1790000000, 1790000000)
    assert (session.last_seen_at, session.remember) == (1790000600, False)
    assert (session.ip, session.user_agent) == ("203.0.113.7", "Chrome 156 on Linux")
    assert session.methods == ("pwd",)
    assert session.absolute_expires_at == 1790000000 + LIFETIME


def test_a_stored_session_with_data_opens() -> None:
    data = SessionStore(RICH).load()
    assert data["_auth_user_id"] == USER_ID
    assert data["_auth_user_hash"] == str(EPOCH)
    assert data["note"] == "a remark"
    assert data["basket"] == [{"sku": number, "count": 1} for number in range(12)]
    session = services.current_session(request_with(RICH)).session
    assert (session.ip, session.user_agent) == ("2001:db8::7", "Firefox 150 on Android")
    assert (session.remember, session.methods) == (True, ("pwd", "otp"))


def test_stored_sessions_are_listed() -> None:
    found = services.list_sessions(request_with(PLAIN))
    assert {s.user_agent for s in found} == {"Chrome 156 on Linux", "Firefox 150 on Android"}


def test_a_stored_session_is_written_renewed_and_ended() -> None:
    store = SessionStore(RICH)
    store["note"] = "another"
    store.save()
    assert SessionStore(RICH)["note"] == "another"
    request = request_with(RICH)
    services.renew_session(request, methods=("pwd",))
    assert SessionStore(RICH).load() == {}
    renewed = SessionStore(request.session.session_key).load()
    assert (renewed["note"], renewed["_auth_user_id"]) == ("another", USER_ID)
    services.end_session(request_with(PLAIN))
    assert SessionStore(PLAIN).load() == {}


def test_all_stored_sessions_are_ended_at_once() -> None:
    assert services.end_all_sessions(User.objects.get()) == 2
    assert [SessionStore(token).load() for token in (PLAIN, RICH)] == [{}, {}]


def test_a_stored_session_knows_its_sign_in(stored: Any) -> None:
    ids = [services.current_session(request_with(token)).sign_in_id for token in (PLAIN, RICH)]
    if stored is FORMAT_2:
        assert ids == ["SignIn-_plain_01", "SignIn-_rich__02"]
    else:  # none is stored: the handle is used instead
        assert ids == [ID_HASHES[token][:16] for token in (PLAIN, RICH)]
