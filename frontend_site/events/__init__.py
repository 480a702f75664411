"""Open pages learn at once that their session ended (docs/reference/events.md)."""
