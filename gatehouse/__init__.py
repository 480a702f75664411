"""What both services are made of. It imports neither of them."""
