"""What every request of the private port passes through."""
