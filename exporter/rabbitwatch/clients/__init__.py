"""How to talk to a broker and its commands, with no opinions about the answers."""
