"""What people would pick instead, as they would set it up."""
