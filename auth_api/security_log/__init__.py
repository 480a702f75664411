"""The security log of each account, for its owner and for staff (docs/reference/security-log.md)."""
