"""What is to be said about a firing alert besides that it fires: what a repair would do, does, has done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """id: stable over restarts. loud: everyone who hears of the alert hears of this at once; else only where there is a
    thread to say it in. approval: the id of an approval that waits for an answer, "" where none does."""

    id: str
    at: float
    text: str
    loud: bool
    approval: str = ""
