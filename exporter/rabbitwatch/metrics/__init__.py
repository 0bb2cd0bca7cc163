"""Metric families, one file a group, and how they are rendered. `samples.GROUPS` is the table of all of them."""
