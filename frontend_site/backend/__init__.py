"""The only way to auth_api."""
