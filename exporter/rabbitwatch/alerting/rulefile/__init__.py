"""Prometheus rule files: how they are read, checked and loaded."""
