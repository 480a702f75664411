"""Forwards `/api/<name>/` to services behind this site, with a signed identity token."""
