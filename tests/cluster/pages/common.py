"""What tests of pages over real clusters share."""

from __future__ import annotations

from tests.support.agents import AgentProcess
from tests.support.chromium import Look
from tests.support.waiting import NOTICED


def says(look: Look, words: str, within: float = NOTICED) -> None:
    """Wait until the first heading has these words."""
    look.until(f"() => document.querySelector('h1').textContent.includes({words!r})", within, f"it says: {words}")


def shows(look: Look, words: str, within: float = NOTICED) -> None:
    """Wait until these words stand anywhere."""
    look.until(f"() => document.querySelector('main').textContent.includes({words!r})", within, f"it shows: {words}")


def both(agent: AgentProcess, state: str) -> dict[str, str]:
    """The pages about clusters, by the names of their pictures in this state."""
    return {f"status-{state}": f"{agent.url}/", f"wall-{state}": f"{agent.url}/wall"}
