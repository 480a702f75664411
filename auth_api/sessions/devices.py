"""Names a device for its user, from the User-Agent header."""

from ua_parser import parse

_LONGEST = 60


def device_name(user_agent: str) -> str:
    """Return e.g. "Chrome 156 on Linux"; "Unknown device" when nothing can be told.

    The header is the client's own claim: it is shown, never trusted.
    """
    found = parse(user_agent[:512])
    browser = found.user_agent
    name = f"{browser.family} {browser.major or ''}".strip() if browser else ""
    system = found.os.family if found.os else ""
    if name and system:
        name = f"{name} on {system}"
    return (name or system or "Unknown device")[:_LONGEST]
