"""The limits of client connections: how many, and how long each may keep a worker waiting."""
