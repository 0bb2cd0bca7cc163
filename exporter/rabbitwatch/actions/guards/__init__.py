"""What speaks against a step: one file a question, table.py the list of them."""
