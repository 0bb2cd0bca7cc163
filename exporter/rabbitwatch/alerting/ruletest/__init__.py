"""Unit tests of rules in promtool's format: `rabbitwatch test rules`."""
