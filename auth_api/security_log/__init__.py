"""What happened to an account, for its owner and for staff (docs/reference/security-log.md)."""
