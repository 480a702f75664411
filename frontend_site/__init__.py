"""The public site: pages, and the proxy for /api/auth/. No database, no Redis, no users."""
