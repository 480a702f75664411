"""Notifies open pages when their session ends (docs/reference/events.md)."""
