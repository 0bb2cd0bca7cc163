"""Which faults a soak deals."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from tests.soak.schedule import DECK, EACH_ROUND, HOLD, NODES, rounds


def test_the_same_seed_deals_the_same_faults() -> None:
    assert list(islice(rounds(5), 20)) == list(islice(rounds(5), 20))
    assert list(islice(rounds(5), 20)) != list(islice(rounds(6), 20))


def test_faults_are_numbered_over_the_whole_run() -> None:
    dealt = [fault for hand in islice(rounds(1), 10) for fault in hand]
    assert [fault.number for fault in dealt] == list(range(1, 10 * EACH_ROUND + 1))
    assert [fault.round for fault in dealt] == [number for number in range(1, 11) for _ in range(EACH_ROUND)]


def test_an_hour_has_every_kind() -> None:
    for seed in range(20):
        dealt = Counter(fault.kind for hand in islice(rounds(seed), 8) for fault in hand)
        assert set(dealt) == set(DECK) == set(HOLD), seed


def test_publishers_stay_where_the_fault_is_not() -> None:
    for hand in islice(rounds(3), 20):
        for fault in hand:
            assert fault.spared != fault.node
            assert fault.spared in NODES
