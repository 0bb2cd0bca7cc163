"""Mistakes that a rule file may hold and still load in Prometheus: one file a question, one table of all."""
