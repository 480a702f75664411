"""/api/auth/*: auth_api's calls for scripts of this site, behind our CSRF gates."""
