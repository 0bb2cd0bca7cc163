"""Evaluation: groups in turn, rules in order, from expressions to series and alerts."""
