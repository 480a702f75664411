"""A plain GET, read by a table of known lines: what browsers, their proxies and our own client send.

A table, not a parser. A request with anything else in it (another method, a body, a header that is
not in the table or comes twice, an odd byte, half a head or more than one) is gunicorn's, with all the
rules that HTTP has. gunicorn's general way costs a tenth of a page, a quarter of a redirect (docs/reference/benchmarks.md).
"""

import re
from typing import Any

# Origin form (RFC 9112, 3.2.1), nothing to decode in the path, and no second slash that might name a host.
_REQUEST = re.compile(
    r"GET (/(?:[A-Za-z0-9_.~-][A-Za-z0-9_.~/-]*)?)(?:\?([A-Za-z0-9_.~/%&=+:,;@!$*-]*))? HTTP/1\.1"
)
_LINES = re.compile(
    rb"(?:[ -~]+\r\n)+\r\n"
)  # no control characters, none beyond ASCII, no other line ends


def header_table(*names: str) -> dict[str, str]:
    """Return the WSGI key of each of `names`, which are all that `read_plain_get` will take."""
    return {name.lower(): "HTTP_" + name.upper().replace("-", "_") for name in names}


def read_plain_get(head: bytes, table: dict[str, str]) -> dict[str, Any] | None:
    """Return what a request says, as a WSGI environment has it; None when it is not ours.

    `head` must be a whole head and nothing more, and each of its lines in `table` (`header_table`).
    """
    if not _LINES.fullmatch(head):
        return None
    first, *lines = head[:-4].decode("ascii").split("\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None:
        return None
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": request[1],
        "QUERY_STRING": request[2] or "",
        "RAW_URI": first[4:-9],
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    for line in lines:
        name, colon, value = line.partition(":")
        key = table.get(name.lower())
        if not colon or key is None or key in environ:
            return None
        environ[key] = value.strip(" ")
    return environ
