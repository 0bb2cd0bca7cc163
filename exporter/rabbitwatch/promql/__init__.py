"""PromQL over the in-memory window, with the semantics of Prometheus 3."""
