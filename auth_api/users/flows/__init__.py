"""What users can do with their accounts, one file per flow."""
