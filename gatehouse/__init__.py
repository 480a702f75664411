"""Code that both services use. It imports neither of them and is not a Django app."""
