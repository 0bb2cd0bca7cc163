"""Whom the commands of repairs ask: a running agent, over its API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rabbitwatch.cli.ask import AskError, shown
from rabbitwatch.cli.calls import RefusedError, call
from rabbitwatch.web.actions.api import PREFIX
from rabbitwatch.web.actions.asked import MOST_ENTRIES

Document = Mapping[str, Any]

_ID = re.compile(r"[\w-]+", re.ASCII)


class Desk(Protocol):
    """What `resync` needs, as documents of web/actions/documents.py. RabbitwatchError where it cannot be had."""

    def resync(self, asked: Document) -> Document:
        """asked: the body of POST /api/v1/actions/resync."""
        ...

    def told_of(self, deed: str, after: int) -> Sequence[Document]:
        """The audit's lines about a deed with a number above `after`."""
        ...

    def progress(self) -> Mapping[str, str]:
        """How far each step is that is under way, in words, by its deed."""
        ...


class AgentDesk:
    """A running agent."""

    def __init__(self, url: str) -> None:
        self._url = url

    def resync(self, asked: Document) -> Document:
        return self._data("POST", "/resync", asked, ("steps", "skipped"))

    def told_of(self, deed: str, after: int) -> Sequence[Document]:
        params = {"deed": deed, "after": str(after), "limit": str(MOST_ENTRIES)}
        found: Sequence[Document] = self._data("GET", "/audit", None, ("entries",), params)["entries"]
        return found

    def progress(self) -> Mapping[str, str]:
        return {each["deed"]: each["progress"]["text"] for each in self.overview()["open"] if each["progress"]}

    def overview(self) -> Document:
        """All that stands now."""
        return self._data("GET", "", None, ("bindings", "open", "approvals"))

    def answer(self, approval_id: str, *, granted: bool, by: str) -> Document:
        """Approve or decline; RefusedError where that cannot be any more."""
        if not _ID.fullmatch(approval_id):
            raise RefusedError(f"{approval_id!r} is no id of an approval: take it from the notice")
        return self._data("POST", f"/approvals/{approval_id}", {"granted": granted, "by": by}, ("said", "deed"))

    def switch(self, to: str, by: str) -> str:
        """to: `pause` or `resume`. What it says of being paused then; "" where it is not."""
        return str(self._data("POST", f"/{to}", {"by": by}, ("paused",))["paused"])

    def _data(
        self,
        method: str,
        path: str,
        body: Document | None,
        keys: Sequence[str],
        params: Mapping[str, str] | None = None,
    ) -> Document:
        answer = call(self._url, method, PREFIX + path, body, list((params or {}).items()))
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict) or not data.keys() >= set(keys):
            raise AskError(f"{shown(self._url)}: answers without repairs: is it a rabbitwatch of this version?")
        return data
