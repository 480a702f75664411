"""Addresses: one person, one account; mail goes to the stored spelling."""

import io
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F

from auth_api.security_log.models import SecurityEvent
from auth_api.throttling import ACCOUNT_TRIES, ADDRESS_MAILS
from auth_api.users.addresses import MAX_LENGTH, address_key, canonical_address, earlier_key
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user

SHARP_S = "me2@faß.de"
ITS_DOMAIN, ANOTHER_DOMAIN = "xn--fa-hia.de", "fass.de"


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("ada@Example.COM", "ada@example.com"),
        (" ada@example.com\n", "ada@example.com"),
        ("Ada.Lovelace@example.com", "Ada.Lovelace@example.com"),
        (
            "ada@ｅxample。com",
            "ada@example.com",
        ),  # as every browser reads it
        ("ada+tag@example.com", "ada+tag@example.com"),  # plus and dots are the provider's business
        ("a.d.a@example.com", "a.d.a@example.com"),
        ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--bcher-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@exam\xadple.com", "ada@example.com"),  # the wire has no soft hyphen
        (SHARP_S, "me2@xn--fa-hia.de"),
        ("ada@βόλος.example", "ada@xn--nxasmm1c.example"),  # with a final sigma
        ("ada@βόλοσ.example", "ada@xn--nxasmq6b.example"),  # with another one
        ("ada@نامه\u200cای.example", "ada@xn--mgba3gch31f060k.example"),  # with a joiner
        ("ada@نامهای.example", "ada@xn--mgba3gch31f.example"),  # without
        ("ada@ısik.example", "ada@xn--sik-iua.example"),  # a dotless i
        ("ada@xn--i-7iq.example", "ada@xn--i-7iq.example"),  # as DNS is queried: an emoji
        ("ada@ab--cd.example", "ada@ab--cd.example"),  # registered before there was IDNA
    ],
)
def test_an_address_keeps_its_person_and_its_domain(typed: str, canonical: str) -> None:
    assert canonical_address(typed) == canonical
    assert canonical_address(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "@example.com", "ada@", "ada@example", "a b@example.com", "ada@example..com",
        '"ada@evil.example"@example.com', '"ada"@example.com', "ada@[127.0.0.1]",
        "ada@example.com,eve@evil.example", "ada@evil.example@example.com",
        "ada@example.com\r\nBcc: eve@evil.example", "<ada@example.com>", "Ada <ada@example.com>",
        "ad\u0430@example.com", "ada@example.com\0", "a" * MAX_LENGTH + "@example.com",
        "ａｄａ@example.com", "\u212aim@example.com", "ıda@example.com", "straße@example.com",
        "a\u200dda@example.com", "a\u200cda@example.com", "eve＠evil.example@example.com",
        "ada＠example.com", "ada@a\u200db.example", "ada@a\u200cb.example", "ada@i❤.example",
        "ada@\u2100.example", "ada@a＠b.example", "ada@" + "ü" * 300 + ".example",
        "ada@example.com\u037e",
    ],
)  # fmt: skip
def test_what_could_reach_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        canonical_address(text)


def test_only_the_case_of_ascii_letters_is_ignored() -> None:
    assert address_key("Ada@example.com") == address_key("aDA@example.com")
    for other in ("\u212a", "ſ", "ß", "İ", "Σ", "Ａ"):
        assert address_key(other) == other


@pytest.mark.django_db(transaction=True)
class TestAccounts:
    """What users, staff and operators see."""

    def test_a_mail_goes_to_the_domain_that_was_typed(self) -> None:
        form = {"email": SHARP_S, "password": PASSWORD, "name": "Me"}
        assert call("POST", "/v1/register", form).status_code == 202
        assert [mail.to for mail in sent_mails()] == [[f"me2@{ITS_DOMAIN}"]]
        call("POST", "/v1/register", {**form, "email": f"me2@{ANOTHER_DOMAIN}"})
        assert len(sent_mails()) == 2
        assert sorted(User.objects.values_list("email", flat=True)) == [
            f"me2@{ANOTHER_DOMAIN}",
            f"me2@{ITS_DOMAIN}",
        ]

    def test_a_person_signs_in_by_any_case_and_is_written_to_as_they_typed(self) -> None:
        form = {"email": "Ada.Lovelace@Example.com", "password": PASSWORD, "name": "Ada"}
        call("POST", "/v1/register", form)
        stored = "Ada.Lovelace@example.com"
        verify = {"token": mailed_token(stored), "password": PASSWORD}
        assert call("POST", "/v1/email/verify", verify).status_code == 200
        for email in (stored, "ada.lovelace@example.com", "ADA.LOVELACE@EXAMPLE.COM"):
            answer = call("POST", "/v1/login", {"email": email, "password": PASSWORD})
            assert answer.status_code == 200
            assert answer.json()["user"]["email"] == stored
        call("POST", "/v1/password/forgot", {"email": "ada.lovelace@example.com"})
        call("POST", "/v1/register", {**form, "email": "aDA.lovelace@example.com"})
        assert {tuple(mail.to) for mail in sent_mails()} == {(stored,)}
        assert User.objects.count() == 1

    def test_the_newest_registration_is_written_to_in_its_own_spelling(self) -> None:
        """At a provider that distinguishes case, the first spelling may be a stranger's mailbox."""
        form = {"email": "ADA@example.com", "password": "the password of a stranger"}
        call("POST", "/v1/register", form)
        strangers = mailed_token("ADA@example.com")
        call("POST", "/v1/register", {"email": "ada@example.com", "password": PASSWORD})
        own = mailed_token("ada@example.com")
        form = {"token": strangers, "password": form["password"]}
        assert call("POST", "/v1/email/verify", form).status_code == 400
        form = {"token": own, "password": PASSWORD}
        assert call("POST", "/v1/email/verify", form).status_code == 200
        assert User.objects.get().email == "ada@example.com"
        assert not SecurityEvent.objects.filter(kind="address.changed").exists()

    def test_another_address_is_proved_and_stored_as_it_was_typed(self) -> None:
        make_user("ada@example.com")
        form = {"email": "ada@example.com", "password": PASSWORD}
        token = session_token(call("POST", "/v1/login", form))
        own = call("POST", "/v1/email/change", {"email": "ADA@example.com"}, token=token)
        assert own.status_code == 400
        call("POST", "/v1/email/change", {"email": "Ada@faß.de"}, token=token)
        mailed = mailed_token(f"Ada@{ITS_DOMAIN}")
        call("POST", "/v1/email/confirm", {"token": mailed}, token=token)
        assert User.objects.get().email == f"Ada@{ITS_DOMAIN}"

    def test_counters_do_not_count_spellings_apart(self) -> None:
        make_user("adalove@example.com")
        spellings = [spelled(number) for number in range(ACCOUNT_TRIES + 1)]
        answers = [
            call(
                "POST", "/v1/login", {"email": email, "password": "wrong"},
                HTTP_GATEHOUSE_CLIENT_ADDRESS=f"198.51.100.{number}",
            ).status_code
            for number, email in enumerate(spellings)
        ]  # fmt: skip
        assert answers == [401] * ACCOUNT_TRIES + [429]
        for email in spellings[: ADDRESS_MAILS + 2]:
            call("POST", "/v1/password/forgot", {"email": email})
        assert len(sent_mails()) == ADDRESS_MAILS

    def test_two_accounts_that_differ_by_case_cannot_exist(self) -> None:
        make_user("Ada@example.com")
        with pytest.raises(IntegrityError), transaction.atomic():
            make_user("ada@example.com")
        other = make_user("grace@example.com")
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=other.pk).update(email="aDA@example.com")
        with pytest.raises(IntegrityError), connection.cursor() as cursor:  # even with raw SQL
            cursor.execute("UPDATE users_user SET email = 'ADA@example.com' WHERE name = 'Ada'")

    def test_the_orm_finds_any_spelling(self) -> None:
        ada = make_user("Ada@bücher.example")
        typed = "aDA@BÜCHER.example"
        assert User.objects.get(email=typed) == ada
        assert User.objects.get(email="ADA@xn--bcher-kva.example") == ada
        assert User.objects.get(email__in=[typed, "grace@example.com"]) == ada
        assert User.objects.get_by_natural_key(typed) == ada
        assert User.objects.get_or_create(email=typed) == (ada, False)
        assert list(User.objects.exclude(email=typed)) == []
        assert User.objects.get(email=F("email")) == ada
        assert list(User.objects.filter(email__in=User.objects.values("email"))) == [ada]
        assert list(SecurityEvent.objects.filter(user__email=typed)) == []
        assert not User.objects.filter(email="\u212ada@bücher.example").exists()

    def test_a_lookup_has_an_index(self) -> None:
        if connection.vendor == "sqlite":
            plan = User.objects.filter(email="ada@example.com").explain()
            assert "one_account_per_address" in plan

    def test_operators_make_one_account_a_person(self, monkeypatch: Any) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
        call_command("createsuperuser", "--no-input", "--email", SHARP_S)
        assert User.objects.get().email == f"me2@{ITS_DOMAIN}"
        with pytest.raises(CommandError, match="already"):
            call_command("createsuperuser", "--no-input", "--email", "ME2@faß.de")
        monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
        with pytest.raises(CommandError, match="has an account"):
            call_command("createuser", "--email", "Me2@Faß.de", "--password-stdin")
        with pytest.raises(CommandError):
            call_command("createuser", "--email", "me\u200d2@faß.de", "--password-stdin")


EARLIER = [
    ("me2@faß.de", "me2@fass.de"),
    ("ada@βόλος.example", "ada@xn--nxasmq6b.example"),
    ("ada@نامه\u200cای.example", "ada@xn--mgba3gch31f.example"),
    ("ada@i❤.example", "ada@xn--i-7iq.example"),
    ("ａｄａ@example.com", "ada@example.com"),
    ("\u212aim@example.com", "kim@example.com"),
    ("Ada@Bücher.example", "ada@xn--bcher-kva.example"),
    ("ada@example.com", "ada@example.com"),
]


@pytest.mark.django_db(transaction=True)
class TestAccountsOfEarlierVersions:
    """They are stored as NFKC, casefold and IDNA 2003 folded the typed address."""

    @pytest.mark.parametrize(("typed", "stored"), EARLIER)
    def test_their_owners_sign_in_by_what_they_typed_before(self, typed: str, stored: str) -> None:
        assert earlier_key(typed) == stored
        make_user(stored)
        for email in (typed, stored):
            form = {"email": email, "password": PASSWORD}
            assert call("POST", "/v1/login", form).status_code == 200

    def test_an_account_with_the_address_today_comes_first(self) -> None:
        make_user("me2@fass.de")
        today = make_user("me2@faß.de")
        answer = call("POST", "/v1/login", {"email": SHARP_S, "password": PASSWORD})
        assert answer.json()["user"]["id"] == str(today.id)

    def test_nothing_is_mailed_by_the_old_reading(self) -> None:
        make_user("me2@fass.de")
        call("POST", "/v1/password/forgot", {"email": SHARP_S})
        assert sent_mails() == []

    def test_their_tries_are_counted_with_the_accounts(self) -> None:
        make_user("me2@fass.de")
        for number in range(ACCOUNT_TRIES):
            client = {"HTTP_GATEHOUSE_CLIENT_ADDRESS": f"198.51.100.{number}"}
            form = {"email": (SHARP_S, "me2@fass.de")[number % 2], "password": "wrong"}
            call("POST", "/v1/login", form, **client)
        for email in (SHARP_S, "me2@fass.de"):
            form = {"email": email, "password": PASSWORD}
            assert call("POST", "/v1/login", form).status_code == 429

    def test_the_migration_leaves_their_rows_alone(self) -> None:
        executor = MigrationExecutor(connection)
        executor.migrate([("users", "0002_link_serials")])
        try:
            old = executor.loader.project_state([("users", "0002_link_serials")]).apps
            old.get_model("users", "User").objects.create(email="me2@fass.de", password="x")
        finally:
            executor = MigrationExecutor(connection)
            executor.migrate(executor.loader.graph.leaf_nodes())
        assert User.objects.get(email="ME2@fass.de").email == "me2@fass.de"


def spelled(number: int) -> str:
    """Return one of 128 spellings of an address."""
    name = "adalove"
    letters = (c.upper() if number >> bit & 1 else c for bit, c in enumerate(name))
    return f"{''.join(letters)}@example.com"
