"""The broker's management API as the lab needs it: to dress a cluster and to see how it is."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any
from urllib.parse import quote

from rabbitlab.errors import LabError
from rabbitlab.state import Lab, Node

_REFUSED_FROM = 400


class RefusedError(LabError):
    """The API answered with an error. status: HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """One node's management API, as the lab's administrator. A connection per call: calls are few."""

    def __init__(self, lab: Lab, node: Node, timeout: float = 10.0) -> None:
        self.node = node
        self._timeout = timeout
        token = base64.b64encode(f"admin:{lab.users['admin']}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer, None when it has no body. Raises RefusedError for an HTTP error, else LabError."""
        connection = http.client.HTTPConnection(self.node.address, self.node.ports.management, timeout=self._timeout)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, f"/api/{path}", body=text, headers=self._headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"{self.node.name}: no answer from {self.node.url}: {error}") from None
        finally:
            connection.close()
        if answer.status >= _REFUSED_FROM:
            words = content.decode(errors="replace")[:300]
            raise RefusedError(answer.status, f"{self.node.name}: {method} /api/{path}: {answer.status} {words}")
        return json.loads(content) if content else None

    def running(self) -> dict[str, bool]:
        """Who runs in this node's view, by Erlang name."""
        return {entry["name"]: bool(entry.get("running")) for entry in self.call("GET", "nodes?columns=name,running")}


def segment(text: str) -> str:
    """A vhost or object name as one segment of an address."""
    return quote(text, safe="")


def permit(api: Api, vhost: str) -> None:
    """All for the admin; for the agent's user an empty permission, without which a vhost's queues are not listed."""
    rights = ("configure", "write", "read")
    everything, nothing = dict.fromkeys(rights, ".*"), dict.fromkeys(rights, "^$")
    api.call("PUT", f"permissions/{segment(vhost)}/admin", everything)
    api.call("PUT", f"permissions/{segment(vhost)}/monitor", nothing)
