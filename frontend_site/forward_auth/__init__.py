"""`/auth/verify`: forward auth for apps behind a reverse proxy."""
