"""CSRF, origins, redirect targets, and what each view declares about itself."""
