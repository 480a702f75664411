"""The admin for users and groups. Staff never see or type another user's password (ASVS 6.4.6)."""

from . import groups, invitations, sign_in, users  # noqa: F401 - each registers what it has
