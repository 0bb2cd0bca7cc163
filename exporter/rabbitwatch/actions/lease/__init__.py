"""One hand: which of several agents may act on a cluster."""
