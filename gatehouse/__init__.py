"""What both services are made of. It imports neither of them, and is no Django app."""
