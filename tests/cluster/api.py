"""What a test does to a cluster over the management API, as its administrator."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import requests

PATIENCE = 120.0
"""Seconds. Most calls take milliseconds, and removing 100,000 messages on a busy machine took over 30 s."""


class Api:
    """The management API of one node. Names are quoted here; any answer but success fails the test."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.auth = (user, password)

    def call(self, method: str, *path: str, body: object = None) -> Any:
        """The decoded answer, or None when it has no body."""
        address = "/".join([self._url, "api", *(quote(part, safe="") for part in path)])
        told = None if body is None else json.dumps(body)
        headers = {"content-type": "application/json"}  # without it, definitions are a 415
        answer = self._session.request(method, address, data=told, headers=headers, timeout=PATIENCE)
        assert answer.ok, f"{method} {'/'.join(path)}: {answer.status_code} {answer.text[:200]}"
        return answer.json() if answer.content else None

    def counts(self, name: str, vhost: str = "/") -> dict[str, Any]:
        """A queue with the counts that it told last, at most a second ago; statistics lag by five. {} if not listed."""
        path = f"/api/queues/{quote(vhost, safe='')}?disable_stats=true&enable_queue_totals=true"
        answer = self._session.get(self._url + path, timeout=PATIENCE)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text[:200]}"
        return next((queue for queue in answer.json() if queue["name"] == name), {})

    def queue(
        self, name: str, vhost: str = "/", *, messages: int = 0, node: str | None = None, **arguments: Any
    ) -> None:
        """A durable queue, and messages in it."""
        body: dict[str, Any] = {"durable": True, "arguments": arguments}
        if node is not None:
            body["node"] = node
        self.call("PUT", "queues", vhost, name, body=body)
        for _ in range(messages):
            message = {
                "properties": {"delivery_mode": 2},
                "routing_key": name,
                "payload": "m",
                "payload_encoding": "string",
            }
            self.call("POST", "exchanges", vhost, "amq.default", "publish", body=message)

    def policy(self, name: str, pattern: str, definition: dict[str, Any], vhost: str = "/", priority: int = 0) -> None:
        """A policy on queues."""
        body = {"pattern": pattern, "definition": definition, "priority": priority, "apply-to": "queues"}
        self.call("PUT", "policies", vhost, name, body=body)

    def delete(self, *path: str) -> None:
        """Remove what the path names."""
        self.call("DELETE", *path)
