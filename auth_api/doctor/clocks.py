"""Judges by how much two clocks differ."""

from auth_api.doctor.findings import Finding, fail, ok, warn
from gatehouse.service_token import CLOCK_SKEW

_NOTICED = 5.0  # seconds: with NTP, clocks differ by milliseconds
_MEND = "Synchronize the clocks of all machines (NTP: chrony or systemd-timesyncd)."


def judge_clock(
    check: str, whose: str, seconds_ahead: float, uncertainty: float, *, effect: str
) -> Finding:
    """Return how far the clock `whose` is from this machine's.

    `uncertainty`: seconds that the answer may have travelled. `effect`: what a difference does.
    """
    distance = max(0.0, abs(seconds_ahead) - uncertainty)
    if distance <= _NOTICED:
        return ok(
            check, f"{whose} differs by less than {_NOTICED:.0f} seconds from that of this machine"
        )
    direction = "ahead of" if seconds_ahead > 0 else "behind"
    found = (
        f"{whose} is {abs(seconds_ahead):.0f} seconds {direction} that of this machine: {effect}"
    )
    if distance > CLOCK_SKEW:
        return fail(check, found, _MEND)
    return warn(check, found, _MEND)
