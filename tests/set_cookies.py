"""Parses Set-Cookie lines as a browser does."""

from typing import NamedTuple

EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"


class SetCookie(NamedTuple):
    """One line; the attributes in lower case, those without a value as True."""

    name: str
    value: str
    attributes: dict[str, str | bool]


def read_set_cookie(line: str) -> SetCookie:
    """Parse `line`. Fails if an attribute occurs twice."""
    pair, *rest = (piece.strip() for piece in line.split(";"))
    name, _, value = pair.partition("=")
    attributes: dict[str, str | bool] = {}
    for attribute in rest:
        key, equals, given = attribute.partition("=")
        assert key.lower() not in attributes, line
        attributes[key.lower()] = given if equals else True
    return SetCookie(name, value, attributes)
