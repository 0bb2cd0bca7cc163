"""Waiting for steps that were begun, until the agent has seen their ends; what happens is told as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from rabbitwatch.cli.ask import AskError
from rabbitwatch.cli.calls import RefusedError
from rabbitwatch.cli.desk import Desk, Document
from rabbitwatch.model.action import Outcome

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
"""How long an agent may not answer, while it restarts."""

_ENDS = frozenset({"ended", "refused"})
"""Events after which nothing more is done about a deed."""


class Follower:
    """tell: takes each line. wait: sleeps so many seconds. clock: monotonic seconds."""

    def __init__(
        self,
        desk: Desk,
        tell: Callable[[str], None],
        *,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._tell = tell
        self._wait = wait
        self._clock = clock
        self._seen: dict[str, int] = {}
        self._said: dict[str, str] = {}

    def follow(self, deeds: Mapping[str, str]) -> Mapping[str, Outcome]:
        """The outcome of each deed, once all have ended. deeds: what each does, by its id. AskError where the agent
        does not answer for too long; RefusedError at once."""
        ends: dict[str, Outcome] = {}
        heard_at = self._clock()
        while len(ends) < len(deeds):
            try:
                self._look(deeds, ends)
                heard_at = self._clock()
            except RefusedError:
                raise
            except AskError:
                if self._clock() - heard_at > PATIENCE_SECONDS:
                    raise
            if len(ends) < len(deeds):
                self._wait(EVERY_SECONDS)
        return ends

    def _look(self, deeds: Mapping[str, str], ends: dict[str, Outcome]) -> None:
        for deed in deeds.keys() - ends.keys():
            for entry in self._desk.told_of(deed, self._seen.get(deed, 0)):
                self._seen[deed] = entry["number"]
                self._say(deed, entry["at"], _line(entry, deeds[deed]))
                if entry["event"] in _ENDS:
                    ends[deed] = Outcome(entry["outcome"])
        for deed, text in self._desk.progress().items():
            if deed in deeds and deed not in ends:
                self._say(deed, None, text)

    def _say(self, deed: str, at: float | None, text: str) -> None:
        if text and self._said.get(deed) != text:
            self._said[deed] = text
            when = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
            self._tell(f"{when:%H:%M:%S} UTC  {deed}  {text}")


def _line(entry: Document, what: str) -> str:
    """What an entry of the audit adds, "" where nothing."""
    text = str(entry.get("text", ""))
    match entry["event"]:
        case "requested":
            return f"requested: {what}"
        case "ended":
            return f"{entry['outcome']}: {text}"
        case "refused":
            reasons = [
                f"{each['guard']}: {each['refused']}" for each in entry.get("answers", ()) if each.get("refused")
            ]
            return f"refused: {'; '.join(reasons) or text}"
        case "replied" if entry.get("reply", {}).get("status") is None:
            return f"no answer from the broker: {text}; whether it heard the request is looked at"
        case "replied":
            return ""
        case _:
            return text
