"""From samples to alerts: rule files, templates, evaluation, alert state."""
