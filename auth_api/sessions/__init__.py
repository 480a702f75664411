"""The session engine: revocable server-side sessions in Redis (docs/explanation/sessions.md)."""
