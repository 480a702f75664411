"""One-time passwords: the vectors of the RFCs, the window and the drift."""

import pytest

from auth_api.users.factors.totp import MAX_DRIFT, STEP, drift_of, hotp, key_uri, matching_step

SECRET = b"12345678901234567890"
NOW = 1_700_000_000
THIS_STEP = NOW // STEP


VECTORS = [
    "755224",
    "287082",
    "359152",
    "969429",
    "338314",
    "254676",
    "287922",
    "162583",
    "399871",
    "520489",
]


@pytest.mark.parametrize(("counter", "code"), list(enumerate(VECTORS)))
def test_rfc_4226_appendix_d(counter: int, code: str) -> None:
    assert hotp(SECRET, counter) == code


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
        (2000000000, "69279037"), (20000000000, "65353130"),
    ],
)  # fmt: skip
def test_rfc_6238_appendix_b(moment: int, code: str) -> None:
    assert hotp(SECRET, moment // STEP, digits=8) == code


@pytest.mark.parametrize("drift", [0, 3, -3])
def test_the_window_is_one_step_around_the_learnt_drift_and_the_right_time(drift: int) -> None:
    taken = [
        ahead
        for ahead in range(-6, 7)
        if matching_step(SECRET, hotp(SECRET, THIS_STEP + ahead), moment=NOW, drift=drift)
    ]
    assert taken == sorted({middle + off for middle in (0, drift) for off in (-1, 0, 1)})


def test_drift_has_a_limit() -> None:
    assert drift_of(THIS_STEP + 1, NOW) == 1
    assert drift_of(THIS_STEP - 99, NOW) == -MAX_DRIFT


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345\n"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(SECRET, code, moment=NOW, drift=0) is None


def test_codes_may_be_typed_in_groups() -> None:
    code = hotp(SECRET, THIS_STEP)
    grouped = f"{code[:3]} {code[3:]}"
    assert matching_step(SECRET, grouped, moment=NOW, drift=0) == THIS_STEP


def test_the_uri_of_the_qr_code() -> None:
    uri = key_uri(SECRET, account="ada@example.com", issuer="example.org:8000")
    assert uri == (
        "otpauth://totp/example.org%3A8000%3Aada%40example.com"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=example.org%3A8000"
    )
