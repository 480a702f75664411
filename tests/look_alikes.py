"""Cookies that a lenient parser takes for the session cookie."""

from gatehouse.cookies import SESSION_COOKIE

LOOK_ALIKES = {
    "the same name": f"{SESSION_COOKIE}=evil",
    "an en quad in front": f"\xe2\x80\x80{SESSION_COOKIE}=evil",
    "a no-break space in front": f"\xc2\xa0{SESSION_COOKIE}=evil",
    "a bare Latin-1 no-break space": f"\xa0{SESSION_COOKIE}=evil",
    "a next-line character": f"\x85{SESSION_COOKIE}=evil",
    "a file separator": f"\x1c{SESSION_COOKIE}=evil",
    "an ideographic space behind": f"{SESSION_COOKIE}\xe3\x80\x80=evil",
    "a zero-width space inside": "__Host-\xe2\x80\x8bsession=evil",
    "another case": "__host-SESSION=evil",
    "a long s": "__Host-\xc5\xbfession=evil",
    "full-width letters": "__Host-\xef\xbd\x93ession=evil",
    "a blank before the equals sign": f"{SESSION_COOKIE} =evil",
    "quotes around the name": f'"{SESSION_COOKIE}"=evil',
    "a blank inside": "__Host- session=evil",
    "no equals sign": SESSION_COOKIE,
}
