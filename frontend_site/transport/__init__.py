"""The HTTP client for auth_api and upstreams (docs/decisions/0006)."""
