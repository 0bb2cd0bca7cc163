from __future__ import annotations

import pytest
from rabbitlab.errors import LabError
from rabbitlab.traffic import Load, check


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (Load(queues=-1), "--queues -1: 0 or more"),
        (Load(messages=-1, rate=-0.5), "--messages -1: 0 or more; --rate -0.5: 0 or more"),
        (Load(prefetch=0), "--prefetch 0: from 1 to 65535"),
        (Load(prefix="x" * 255), "names would be 256 bytes long; 255 is the most"),
        (Load(prefix="ß" * 123, exclusive=1), "names would be 257 bytes long"),
        (Load(queues=0, rate=1), "--queues 0: consumers and messages need a queue"),
    ],
)
def test_loads_that_cannot_be(load: Load, words: str) -> None:
    with pytest.raises(LabError) as refused:
        check(load)
    assert words in str(refused.value)


@pytest.mark.parametrize("load", [Load(), Load(queues=0, exclusive=2), Load(prefix="", rate=0.1, consumers=3)])
def test_loads_that_can_be(load: Load) -> None:
    assert check(load) is load


def test_what_goes_on_after_the_queues_are_filled() -> None:
    assert not Load(queues=3, messages=10).steady
    assert all(load.steady for load in (Load(consumers=1), Load(rate=0.5), Load(exclusive=1)))
    assert Load(prefix="a.", queues=2).names() == ["a.1", "a.2"]
