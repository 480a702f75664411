"""Proxies /api/auth/* to auth_api, behind the CSRF checks."""
