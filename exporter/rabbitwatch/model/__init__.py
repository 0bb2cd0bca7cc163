"""Frozen nouns that the whole program shares; no input or output happens here."""
