"""One file a source of an observation; poll.py asks them all at once."""
