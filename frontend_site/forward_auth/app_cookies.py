"""Selects the browser's cookies that an app behind forward auth receives."""

from gatehouse.cookies import is_look_alike


def cookies_for_app(header: str) -> str:
    """Return a raw Cookie header without our cookies and their look-alikes, for an app.

    "" if nothing is left. Leaves out pieces that are not `name=value`, too: some parsers reject the
    whole header because of one.
    """
    pieces = (piece.strip(" \t") for piece in header.split(";"))
    return "; ".join(piece for piece in pieces if _is_for_app(piece))


def _is_for_app(piece: str) -> bool:
    name, equals, _ = piece.partition("=")
    if not name or not equals:
        return False
    # Two Cookie lines arrive joined by a comma, so one of our cookies may follow any comma.
    return not any(is_look_alike(part.partition("=")[0]) for part in piece.split(","))
