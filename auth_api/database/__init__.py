"""Django's database backends, with limits: no thread waits for a database for long, and few do at once."""
