"""Whether the agent is blamed for outages that last longer where it looks on."""

from __future__ import annotations

import pytest
from tests.soak.delays import Delay, delays
from tests.soak.losses import Moment
from tests.soak.report import Verdict
from tests.soak.schedule import Fault


def fault(number: int, kind: str) -> Fault:
    return Fault(number=number, round=1, kind=kind, node="rabbit1", hold=1.0, pause=1.0, agent_dies_after=None)


def moment(number: int, stood: float, whole: float) -> Moment:
    return Moment(number, 0.0, 99.0, {}, {}, (10.0 + stood, 50.0 + whole), (10.0, 50.0))


def test_each_kind_has_its_mean_over_all_its_faults() -> None:
    faults = [fault(1, "stop"), fault(2, "kill"), fault(3, "stop"), fault(4, "hang")]
    moments = {1: moment(1, 9.0, 1.0), 2: moment(2, 0.0, -0.5), 3: moment(3, 1.0, 0.0)}
    assert delays(faults, moments) == [Delay("kill", 1, 0.0, -0.5), Delay("stop", 2, 5.0, 0.5)]


@pytest.mark.parametrize(
    ("delay", "blamed"),
    [
        (Delay("stop", 4, 5.0, 0.5), True),
        (Delay("partition", 9, 0.0, 6.7), True),
        (Delay("stop", 3, 9.0, 9.0), False),
        (Delay("kill", 15, 0.0, -3.0), False),
        (Delay("kill", 15, 2.0, 2.0), False),
    ],
)
def test_what_is_no_chance_fails_the_run(delay: Delay, blamed: bool) -> None:
    assert delay.blamed is blamed
    assert Verdict(delays=[delay]).passed is not blamed
