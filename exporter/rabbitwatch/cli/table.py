"""What `once` prints for people: a cluster in a sentence, its nodes, the queues that need a look, the findings.

Everything is put together from rich's Text, which knows no markup, and names of queues, nodes and vhosts have their
control characters escaped: they are whatever a client of the broker chose. What is unknown reads `?`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rabbitwatch.agent import Cycle
from rabbitwatch.logs import escape_controls
from rabbitwatch.model.cluster import ClusterState, Finding, NodeState, QueueState, Severity

MOST_QUEUES = 20
_STYLES = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_UNKNOWN = "?"


def overview(cycle: Cycle) -> RenderableType:
    """One cluster."""
    return Group(*_parts(cycle), Text())


def _parts(cycle: Cycle) -> Iterator[RenderableType]:
    state = cycle.state
    worst = next((finding.severity for finding in cycle.findings), Severity.NOTE)
    yield safe(cycle.sentence, "green" if worst is Severity.NOTE else _STYLES[worst])
    yield Padding(_nodes(state), (0, 0, 0, 2))
    queues = [queue for queue in state.queues.all if queue.unhealthy]
    if queues:
        yield Padding(_queues(queues), (0, 0, 0, 2))
    if cycle.findings:
        yield Padding(_findings(cycle.findings), (0, 0, 0, 2))
    else:
        yield Text("  nothing is wrong", "green")


def safe(text: str, style: str = "") -> Text:
    """Text of which nothing is taken for markup or sent to the terminal as a command."""
    return Text(escape_controls(text), style)


def plain_table(*columns: str, right: Iterable[str] = ()) -> Table:
    """A table without lines, whose cells fold where they do not fit."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in set(right) else "left", overflow="fold")
    return table


def _nodes(state: ClusterState) -> Table:
    table = plain_table("NODE", "UP", "TYPE", "VERSION", "SEES", "SEEN BY", "MEMORY", "DISK FREE", "ALARMS", "COOKIE")
    observers = len(state.views.running)
    for node in state.nodes:
        table.add_row(
            safe(node.name),
            _up(node),
            _type(node),
            safe(node.version or _UNKNOWN),
            _sees(state, node),
            _seen_by(state, node, observers),
            _memory(node),
            _size(node.figures.disk_free if node.figures else None),
            _alarms(node),
            _cookie(node),
        )
    return table


def _up(node: NodeState) -> Text:
    if node.missing:
        return Text("missing", "red")
    words = {True: ("yes", ""), False: ("no", "bold red"), None: (_UNKNOWN, "yellow")}
    word, style = words[node.running]
    if node.poll_state is not None and node.poll_state != "ok":
        return Text(f"{word}, {node.poll_state}", style or "yellow")
    return Text(word, style)


def _type(node: NodeState) -> Text:
    if node.type_mismatch:
        return safe(f"{node.type}, not {node.declared_type}", "yellow")
    return safe(node.type or _UNKNOWN)


def _sees(state: ClusterState, node: NodeState) -> Text:
    """How many members this node says are running, of how many; those it does not see by name would be too wide."""
    row = state.views.running.get(node.name)
    if row is None:
        return Text(_UNKNOWN)
    return _ratio(sum(row.values()), len(state.nodes))


def _seen_by(state: ClusterState, node: NodeState, observers: int) -> Text:
    if not observers:
        return Text(_UNKNOWN)
    return _ratio(sum(row.get(node.name, False) for row in state.views.running.values()), observers)


def _ratio(part: int, whole: int) -> Text:
    return Text(f"{part}/{whole}", "" if part == whole else "red")


def _memory(node: NodeState) -> Text:
    figures = node.figures
    if figures is None or figures.mem_used is None:
        return Text(_UNKNOWN)
    limit = f" of {decimal(figures.mem_limit)}" if figures.mem_limit else ""
    return Text(f"{decimal(figures.mem_used)}{limit}", "red" if figures.mem_alarm else "")


def _size(size: int | None) -> Text:
    return Text(_UNKNOWN if size is None else decimal(size))


def _alarms(node: NodeState) -> Text:
    figures = node.figures
    if figures is None or (figures.mem_alarm is None and figures.disk_free_alarm is None):
        return Text(_UNKNOWN)
    raised = [name for name, on in (("memory", figures.mem_alarm), ("disk", figures.disk_free_alarm)) if on]
    return Text(", ".join(raised), "bold red") if raised else Text("none")


def _cookie(node: NodeState) -> Text:
    if node.cookie_mismatch:
        return Text("differs", "bold red")
    if node.cookie_file_differs:
        return Text("file differs", "yellow")
    return Text(_UNKNOWN if node.cookie_mismatch is None else "same")


def _queues(queues: list[QueueState]) -> RenderableType:
    table = plain_table(
        "QUEUE", "VHOST", "STATE", "MESSAGES", "AT RISK", "MIRRORS", "MEMBERS", right=("MESSAGES", "AT RISK")
    )
    worst = sorted(queues, key=lambda queue: (queue.at_risk or 0, queue.messages or 0), reverse=True)
    for queue in worst[:MOST_QUEUES]:
        table.add_row(
            safe(queue.name),
            safe(queue.vhost),
            safe(queue.state),
            _count(queue.messages),
            Text(str(queue.at_risk), "bold red") if queue.at_risk else _count(queue.at_risk, "-"),
            _mirrors(queue),
            _members(queue),
        )
    rest = len(queues) - MOST_QUEUES
    return Group(table, Text(f"and {rest} more queues that need a look")) if rest > 0 else table


def _members(queue: QueueState) -> Text:
    if queue.members is None:
        return Text("-")
    return Text(f"{_UNKNOWN}/{queue.members}") if queue.online is None else _ratio(queue.online, queue.members)


def _mirrors(queue: QueueState) -> Text:
    if not queue.mirrored:
        return Text("-")
    return Text(
        f"{_count(queue.synchronised)} synchronised of {_count(queue.mirrors)}, {_count(queue.expected)} expected"
    )


def _count(number: int | None, unknown: str = _UNKNOWN) -> Text:
    return Text(unknown if number is None else str(number))


def _findings(findings: Iterable[Finding]) -> RenderableType:
    table = plain_table("FINDING", "")
    for finding in findings:
        table.add_row(Text(finding.severity.value, _STYLES[finding.severity]), safe(finding.sentence))
    return table
