"""Password hashing, and the rules for new passwords."""
