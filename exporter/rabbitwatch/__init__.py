"""rabbitwatch: an exporter and alerting agent that asks every node of a RabbitMQ cluster and compares the answers."""

__version__ = "0.1.0"
