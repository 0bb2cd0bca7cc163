"""What the pages for people know of a cluster: one card each, made of the last poll, its findings and the alerts."""
