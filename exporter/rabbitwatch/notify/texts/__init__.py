"""What templates of notices are made of: the sandbox, the escapes of each medium, filters, and what templates see."""
