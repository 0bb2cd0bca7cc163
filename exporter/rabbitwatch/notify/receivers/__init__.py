"""One file a kind of receiver; base.py is what they share, table.py the list of them."""
