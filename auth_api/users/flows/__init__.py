"""What people do with their accounts, a file for each flow."""
