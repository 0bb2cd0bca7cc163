"""Templates of annotations and labels: Go's text/template as far as Prometheus' rules use it."""

from rabbitwatch.alerting.templates.template import Template
from rabbitwatch.alerting.templates.values import TemplateData, TemplateSample

__all__ = ["Template", "TemplateData", "TemplateSample"]
