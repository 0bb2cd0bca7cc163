"""`rabbitmq-diagnostics`: what its output means, whichever way it was printed.

Traps, all measured on 3.10.8: an unreachable node makes `erlang_cookie_hash` print a `badrpc` inside a result that says
ok, with status 0; status 69 means "the check failed" as well as "the node cannot be reached"; warnings come before the
JSON, on either stream. So the JSON decides. What a command prints on stderr about a node that it cannot reach holds a
cookie's hash: no more than its first line or its suggestion is ever passed on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import msgspec

from rabbitwatch.clients.command import Completed
from rabbitwatch.clients.payload import Payload, decode_object
from rabbitwatch.clients.wording import readable
from rabbitwatch.errors import CallError, CallFailure
from rabbitwatch.model.broker import ClusterStatus, CookieSources
from rabbitwatch.model.observation import CheckResult

_LINE_START = re.compile(rb"^\{", re.MULTILINE)


class Runner(Protocol):
    """What runs a command: clients/command.py, or a recording of one."""

    def run(self, arguments: Sequence[str], *, within: float) -> Completed:
        """See CommandRunner.run."""


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """The command for one node. prefix: the executable with whatever stands before it (`docker exec rabbit1
    rabbitmq-diagnostics`). node: its Erlang name; None asks the node that the command itself takes for its own."""

    runner: Runner
    prefix: tuple[str, ...]
    node: str | None
    within: float

    def cluster_status(self) -> Payload[ClusterStatus]:
        """Membership, node types and partitions as this node tells them."""
        return decode_object(self._json("cluster_status"), ClusterStatus)

    def cookie_hash(self) -> str:
        """base64(md5(cookie)) of the running node; never show it."""
        value = _told(self._run("erlang_cookie_hash")).get("value")
        if not isinstance(value, str):
            raise CallError(CallFailure.ERROR, "erlang_cookie_hash printed no hash")
        return value

    def cookie_sources(self) -> Payload[CookieSources]:
        """Where the command itself takes its cookie from; contacts no node."""
        return decode_object(self._json("erlang_cookie_sources"), CookieSources)

    def check(self, name: str) -> CheckResult:
        """One `check_*` command, by its name without that prefix; CallError where it could not be made."""
        done = self._run(f"check_{name}")
        told = _told(done)
        result = told.get("result")
        # check_running says {"message": …} and nothing else when all is well
        if result == "ok" or (result is None and done.status == 0):
            return CheckResult(True, "")
        if result == "error":
            return CheckResult(False, _said(told))
        raise CallError(CallFailure.ERROR, f"check_{name} printed a result that is neither ok nor error")

    def _json(self, command: str) -> bytes:
        told = _told(self._run(command))
        if told.get("result") == "error":
            raise CallError(CallFailure.ERROR, f"{command} failed: {_said(told)}")
        return msgspec.json.encode(told)

    def _run(self, command: str) -> Completed:
        arguments = [*self.prefix, *_target(self.node), "--formatter", "json", command]
        try:
            return self.runner.run(arguments, within=self.within)
        except CallError as error:
            raise CallError(error.kind, f"{command}: {error.reason}") from None


def _target(node: str | None) -> tuple[str, ...]:
    """The options that name the node. A host part with a dot is a long name, which short names cannot reach."""
    if node is None:
        return ()
    longnames = ("--longnames",) if "." in node.partition("@")[2] else ()
    return ("--node", node, *longnames)


def _told(done: Completed) -> dict[str, Any]:
    """The JSON object among the output; CallError where there is none, or it says that the node is out of reach.

    It begins at the start of a line, because a warning before it may hold a bracket. Failed checks use stderr.
    """
    for text in (done.stdout, done.stderr):
        for match in _LINE_START.finditer(text):
            try:
                told = msgspec.json.decode(text[match.start() :].strip())
            except msgspec.DecodeError:
                continue
            _raise_if_unreachable(told)
            return cast("dict[str, Any]", told)
    raise _failure(done)


def _raise_if_unreachable(told: dict[str, Any]) -> None:
    value = told.get("value")
    if isinstance(value, list) and value[:1] == ["badrpc"]:
        raise _unreachable(readable(" ".join(str(v) for v in value[1:]), 80))
    if told.get("result") == "error" and _names_unreachable(f"{told.get('error')} {told.get('message')}"):
        raise _unreachable("unable to connect")


def _failure(done: Completed) -> CallError:
    words = f"{done.stderr.decode('utf-8', 'replace')}\n{done.stdout.decode('utf-8', 'replace')}"
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    if _names_unreachable(words):
        advice = next((line for line in lines if "suggestion:" in line), "* unable to connect")
        return _unreachable(readable(advice.removeprefix("*").strip(), 120))
    said = readable(lines[0], 160) if lines else "it printed nothing"
    return CallError(CallFailure.ERROR, f"ended with status {done.status} and without JSON: {said}")


def _names_unreachable(words: str) -> bool:
    lowered = words.lower()
    return any(sign in lowered for sign in ("nodedown", "unable to connect to node", "unable to perform an operation"))


def _unreachable(how: str) -> CallError:
    return CallError(
        CallFailure.ERROR,
        f"the node cannot be reached over Erlang distribution ({how}): it is down, another name, or this side's "
        "cookie differs from the node's; configure nodes[].diagnostics so that the command runs beside the node",
    )


def _said(told: dict[str, Any]) -> str:
    for key in ("message", "error", "reason"):
        if isinstance(value := told.get(key), str):
            return readable(value)
    return readable(", ".join(sorted(told)))
