"""The levels of assurance, as auth_api tells them and settings demand them (docs/decisions/0018)."""

AAL1, AAL2 = "aal1", "aal2"
LEVELS = (AAL1, AAL2)  # the lowest first


def parse_level(value: str) -> str:
    """Return a level that a setting may demand. Raises ValueError, which says what to change."""
    if value != AAL2:  # every session has the first
        raise ValueError(f"must set level to {AAL2}, or leave this option out")
    return value
