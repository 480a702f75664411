"""CSRF tokens, origin checks, redirect targets and the declarations of views."""
