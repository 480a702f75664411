"""What happened to an account, for its owner and for staff (docs/security-log.md)."""
