"""HTTP: metrics, APIs and pages."""
