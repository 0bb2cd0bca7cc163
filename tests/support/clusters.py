"""Small clusters of fake brokers for tests of what asks them: one port, a loopback address of its own each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from pydantic import SecretStr
from tests.support.fakebroker import Answer, FakeBroker, as_json

from rabbitwatch.clients.command import Completed
from rabbitwatch.config.models import ClusterConfig, NodeConfig, PollConfig
from rabbitwatch.errors import CallError, CallFailure

OBJECTS = ("/api/queues", "/api/policies", "/api/operator-policies")


def name_of(broker: FakeBroker) -> str:
    return f"rabbit@{broker.host}"


def view(running: Mapping[str, bool]) -> bytes:
    """A body of /api/nodes: by name, whether it runs. One that does not has no more than that, as on a real broker."""
    entries: list[dict[str, Any]] = []
    for name, up in running.items():
        told = {"partitions": [], "uptime": 1000} if up else {}
        entries.append({"name": name, "type": "disc", "running": up, **told})
    return as_json(entries)


def serve_node(broker: FakeBroker, running: Mapping[str, bool], queues: Sequence[str] = ("q",)) -> None:
    """Everything that a node is asked, its metrics plugin included."""
    name = name_of(broker)
    broker.serve("/api/overview", as_json({"node": name, "cluster_name": "fake", "rabbitmq_version": "3.10.8"}))
    broker.serve("/api/nodes", view(running))
    broker.serve("/api/queues", as_json([{"name": q, "vhost": "/", "node": name} for q in queues]))
    broker.serve("/api/policies", b"[]")
    broker.serve("/api/operator-policies", b"[]")
    broker.serve("/api/vhosts", as_json([{"name": "/"}]))
    serve_plugin(broker, {peer: 3 for peer, up in running.items() if up and peer != name})


def serve_plugin(broker: FakeBroker, links: Mapping[str, int], name: str | None = None) -> None:
    identity = f'rabbitmq_identity_info{{rabbitmq_node="{name or name_of(broker)}",rabbitmq_cluster="fake"}} 1\n'
    lines = "".join(f'erlang_vm_dist_node_state{{peer="{peer}"}} {state}\n' for peer, state in links.items())
    broker.serve("/metrics", text(identity + lines))
    broker.serve("/metrics/detailed", text('rabbitmq_detailed_queue_consumers{vhost="/",queue="q"} 2\n'))


def text(page: str) -> Answer:
    return Answer(page.encode(), media="text/plain; version=0.0.4")


@contextmanager
def cluster(size: int) -> Iterator[tuple[FakeBroker, ...]]:
    """Healthy nodes rabbit@127.0.0.2, rabbit@127.0.0.3, … on one port."""
    with ExitStack() as stack:
        first = stack.enter_context(FakeBroker(host="127.0.0.2"))
        others = [stack.enter_context(FakeBroker(host=f"127.0.0.{n}", port=first.port)) for n in range(3, size + 2)]
        brokers = (first, *others)
        for broker in brokers:
            serve_node(broker, dict.fromkeys(map(name_of, brokers), True))
        yield brokers


def declared(broker: FakeBroker, **options: Any) -> NodeConfig:
    """The node in a configuration, its metrics plugin at the same address."""
    return NodeConfig.model_validate({"url": broker.url, "plugin_url": broker.url, "diagnostics": [], **options})


def configured(*nodes: NodeConfig, **options: Any) -> ClusterConfig:
    settings: dict[str, Any] = {"nodes": nodes, "password": SecretStr("s3cret"), "diagnostics": (), **options}
    return ClusterConfig.model_validate(settings)


QUICK = PollConfig(interval=2.0, timeout=0.8, diagnostics_interval=60.0)


class NoRunner:
    """A machine without rabbitmq-diagnostics."""

    def run(self, arguments: Sequence[str], *, within: float) -> Completed:
        raise CallError(CallFailure.ERROR, f"{arguments[0]} is not installed here, or not in PATH")
