"""The public site: pages, and the proxy for /api/auth/. It has no database, no Redis and no user model."""
