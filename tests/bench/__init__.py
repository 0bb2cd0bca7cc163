"""Measurements on real brokers; `make bench` runs them. They print figures and never pass or fail."""
