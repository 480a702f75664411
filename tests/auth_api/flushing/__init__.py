"""An app whose only command empties the database after a test."""
