"""The middleware of auth_api."""
