"""What the lab tells: its status, and the configuration of an agent that watches it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rabbitlab import brokers
from rabbitlab.cluster import version
from rabbitlab.errors import LabError
from rabbitlab.management import Api
from rabbitlab.processes import alive
from rabbitlab.state import Lab, Node, Store

_METRICS_PORT = 15692


def status(store: Store, lab: Lab) -> dict[str, Any]:
    """Everything about a lab that a program may want; every node is asked at the same time for whom it sees."""
    with ThreadPoolExecutor(max_workers=len(lab.nodes) or 1) as pool:
        nodes = list(pool.map(lambda node: _node(store, lab, node), lab.nodes))
    return {
        "phase": lab.phase,
        "state": str(store.folder),
        "isolation": lab.order.isolation,
        "version": version(lab),
        "cluster_name": lab.order.cluster_name,
        "subnet": lab.subnet,
        "users": lab.users,
        "proxy": lab.proxy_address,
        "cuts": [{"from": a, "to": b, "one_way": one_way} for a, b, one_way in lab.cuts],
        "traffic": {role: alive(process) for role, process in lab.processes.items() if role.startswith("traffic")},
        "nodes": nodes,
    }


def _node(store: Store, lab: Lab, node: Node) -> dict[str, Any]:
    process = lab.processes.get(f"{node.name}/broker")
    return {
        "name": node.name,
        "node": node.node,
        "address": node.address,
        "namespace": node.namespace,
        "type": node.kind,
        "url": node.url,
        "plugin_url": plugin_url(lab, node),
        "amqp_port": node.ports.amqp,
        "process": "running" if brokers.runs(lab, node) else "stopped",
        "pid": process.pid if process is not None and alive(process) else None,
        "answers": lab.answers.get(node.name, "on time"),
        "sees": _sees(lab, node),
        "cookie_file": str(store.home(node) / "home" / ".erlang.cookie"),
        "log": str(store.logs / f"{node.node}.log"),
    }


def _sees(lab: Lab, node: Node) -> list[str] | None:
    """Erlang names of the nodes that run in this node's view, None when it does not tell within 3 s."""
    if not brokers.runs(lab, node):
        return None
    try:
        view = Api(lab, node, timeout=3.0).running()
    except LabError:
        return None
    return sorted(name for name, running in view.items() if running)


def plugin_url(lab: Lab, node: Node) -> str | None:
    """Where the broker's metrics plugin answers, None where it is not enabled."""
    if "rabbitmq_prometheus" not in lab.order.plugins:
        return None
    return f"http://{node.address}:{node.ports.metrics}"


def table(lab: Lab, seen: dict[str, Any] | None = None) -> str:
    """The nodes for a reader, with their addresses; with `seen` (see status) also how they are."""
    details = {entry["name"]: entry for entry in seen["nodes"]} if seen else {}
    rows = [["NODE", "TYPE", "MANAGEMENT PAGE", "AMQP", *(["PROCESS", "SEES", "ANSWERS"] if seen else [])]]
    for node in lab.nodes:
        row = [node.name, node.kind, node.url, f"{node.address}:{node.ports.amqp}"]
        if seen:
            entry = details[node.name]
            sees = "no answer" if entry["sees"] is None else " ".join(_short(lab, name) for name in entry["sees"])
            answers = entry["answers"]
            row += [entry["process"], sees, f"{answers} s late" if answers[0].isdigit() else answers]
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if lab.proxy_address is not None:
        lines.append(f"proxy: amqp://{lab.proxy_address}")
    for start, end, one_way in lab.cuts:
        lines.append(f"cut: {start} {'->' if one_way else '<->'} {end}")
    lines.append(f"RabbitMQ {version(lab)}; management page: user admin, password {lab.users['admin']}")
    return "\n".join(lines)


def _short(lab: Lab, erlang_name: str) -> str:
    return next((node.name for node in lab.nodes if node.node == erlang_name), erlang_name)


def agent_config(store: Store, lab: Lab, launcher: Path, diagnostics: bool = True, cookie_files: bool = True) -> str:
    """YAML for `rabbitwatch --config`: every node of this cluster explicit. JSON strings are YAML strings too."""
    lines = ["clusters:", f"  - name: {json.dumps(lab.order.cluster_name)}", "    discover: false"]
    lines += ["    username: monitor", f"    password: {json.dumps(lab.users['monitor'])}", "    nodes:"]
    for node in lab.nodes:
        lines.append(f"      - url: {node.url}")
        lines.append(f"        name: {json.dumps(node.node)}")
        lines.append(f"        type: {node.kind}")
        if cookie_files:
            lines.append(f"        cookie_file: {json.dumps(str(store.home(node) / 'home' / '.erlang.cookie'))}")
        command = [str(launcher), "--state", str(store.folder), "exec", node.name, "--", "rabbitmq-diagnostics"]
        lines.append(f"        diagnostics: {json.dumps(command if diagnostics else [])}")
        metrics = plugin_url(lab, node)
        if metrics is not None and node.ports.metrics != _METRICS_PORT:
            lines.append(f"        plugin_url: {metrics}")
    return "\n".join(lines) + "\n"
