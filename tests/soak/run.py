"""Two clusters, an agent, the course, the verdict: put together and taken apart again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from tests.cluster.conftest import Lab, fresh_folders
from tests.soak.audited import violations
from tests.soak.course import Course
from tests.soak.person import Person
from tests.soak.repairing import BUDGET, Repairing, repairs
from tests.soak.report import Verdict, judge, summary, write
from tests.soak.world import World

from rabbitwatch.actions.guards.table import GUARDS

UP = ("--nodes", "3", "--net-ticktime", "8", "--conf", "collect_statistics_interval = 1000")


def soak(
    out: Path, seed: int, seconds: float, told: Callable[[str], None], ending: ExitStack, *, with_agent: bool = True
) -> tuple[Verdict, str]:
    """Run, write record and summary into `out`, and say how it went. What is started is left with `ending`.

    Raises SoakError when a cluster cannot be mended; what was found out until then is written all the same.
    """
    out.mkdir(parents=True, exist_ok=True)
    first, second = _clusters(ending, told)
    over = threading.Event()
    worlds = World("with the agent", first, over), World("without", second, over)
    agent = None
    if with_agent:
        agent = Repairing(worlds[0], out / "agent")
        ending.enter_context(agent.process)
        agent.start()
        person = Person(agent.process.url)
        ending.callback(person.end)
        person.begin()
    course = Course(worlds, agent, told, over)
    begun = time.time()
    try:
        course.run(seed, seconds)
    finally:
        verdict, text = _report(out, course, agent, {"seed": seed, "begun": begun, "seconds": time.time() - begun})
    return verdict, text


def _clusters(ending: ExitStack, told: Callable[[str], None]) -> tuple[Lab, Lab]:
    """Both at the same time, for each takes half a minute."""
    folders = ending.enter_context(fresh_folders())
    labs = (Lab(folders()), Lab(folders()))
    for lab in labs:
        ending.callback(lab.down)
    told("starting two clusters of three nodes")
    with ThreadPoolExecutor(max_workers=len(labs)) as pool:
        list(pool.map(lambda lab: lab.up(*UP), labs))
    return labs


def _report(out: Path, course: Course, agent: Repairing | None, about: dict[str, float]) -> tuple[Verdict, str]:
    broken: list[str] = []
    entries, deaths = [], []
    if agent is not None:
        agent.settle()
        entries, deaths = agent.entries(), agent.deaths
        broken = violations(entries, [guard.__name__ for guard in GUARDS], BUDGET, course.result.forbidden)
        broken += agent.verify().splitlines()
    verdict = judge(course.result, repairs(entries, time.time()), broken)
    head = (
        f"seed {about['seed']:.0f}, {about['seconds'] / 60:.0f} minutes, {course.result.rounds} rounds, "
        f"{len(course.result.faults)} faults; the agent was killed {len(deaths)} times"
    )
    text = summary(head, course.result, entries, verdict)
    write(out, {**about, "budget": asdict(BUDGET), "deaths": deaths}, course.result, entries, verdict, text)
    return verdict, text
