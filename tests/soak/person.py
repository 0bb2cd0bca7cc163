"""Somebody careful who answers what the agent asks, after a while: syncs are approved; policies that would give queues
empty mirrors are not, because nothing is to be lost that would be kept without the agent."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import requests

HESITATES = 3.0
_LOOKS = 1.0


class Person:
    """On a thread of its own, until `end`. approved: how many were taken."""

    def __init__(self, url: str) -> None:
        self.approved = 0
        self._actions = f"{url}/api/v1/actions"
        self._seen: dict[str, float] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(_LOOKS):
            with contextlib.suppress(requests.RequestException):  # the agent is dead now and then
                for question in self._waiting():
                    since = self._seen.setdefault(question["id"], time.monotonic())
                    if time.monotonic() - since >= HESITATES:
                        self._answer(question["id"], granted=_only_syncs(question))

    def _waiting(self) -> list[dict[str, Any]]:
        answer = requests.get(self._actions, timeout=5)
        answer.raise_for_status()
        return [each for each in answer.json()["data"]["approvals"] if each.get("id")]

    def _answer(self, approval: str, *, granted: bool) -> None:
        body = {"granted": granted, "by": "somebody careful"}
        taken = requests.post(f"{self._actions}/approvals/{approval}", json=body, timeout=10).ok
        self.approved += taken and granted


def _only_syncs(question: dict[str, Any]) -> bool:
    return all(step["action"] == "sync_queue" for step in question["plan"]["steps"])
