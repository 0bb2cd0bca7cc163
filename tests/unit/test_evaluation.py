from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.cluster.build import healthy, split

from rabbitwatch.agent import Cycle, Watch
from rabbitwatch.cli.rules import known_families
from rabbitwatch.config.change import apply
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import ClusterConfig, Config, PollConfig, RulesConfig, StorageConfig
from rabbitwatch.errors import ConfigError, RuleError
from rabbitwatch.evaluation import Evaluation
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.storage.database import Database

START = 1_700_000_000.0
SPLIT = """
groups:
  - name: cluster
    rules:
      - alert: Split
        expr: rabbitwatch_cluster_components > 1
        for: 30s
        labels: {severity: page}
        annotations: {summary: "{{ $labels.cluster }} is in {{ $value }} groups"}
"""


class Clock:
    """The time, as a test says."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> float:
        return self.at


class NoPoller:
    """For watches whose observations are made by hand."""

    def poll(self) -> ClusterObservation:
        raise AssertionError("not asked")

    def close(self) -> None:
        """Nothing to do."""


class World:
    """An evaluation over one folder, which can be ended and begun again."""

    def __init__(self, folder: Path, clusters: tuple[str, ...] = ("a",)) -> None:
        self.folder = folder
        self.rules = folder / "rules.yml"
        self.rules.write_text(SPLIT)
        self.clock = Clock()
        self.clusters = clusters
        self.begin()

    def loaded(self, **changes: object) -> Loaded:
        config = Config(
            clusters=tuple(ClusterConfig(name=name) for name in self.clusters),
            rules=RulesConfig(files=(self.rules,)),
            storage=StorageConfig(path=self.folder / "data"),
        ).model_copy(update=changes)
        return Loaded(config, path=None, web=None, web_path=None, warnings=(), secrets=frozenset())

    def begin(self) -> None:
        self.database = Database.open(self.folder / "data")
        loaded = self.loaded()
        self.evaluation = Evaluation(loaded.config, OwnMetrics(), self.database, known_families(), self.clock)
        self.evaluation.begin(loaded)
        self.watches = {name: Watch(ClusterConfig(name=name), PollConfig(), NoPoller()) for name in self.clusters}

    def end(self) -> None:
        self.evaluation.stop()
        self.database.close()

    def poll(self, observation: ClusterObservation, cluster: str = "a", after: float = 15.0) -> None:
        self.clock.at += after
        watch = self.watches[cluster]
        cycle: Cycle = watch.cycle(replace(observation, cluster=cluster, at=self.clock.at))
        watch.last = cycle
        self.evaluation.take(cycle)

    def states(self) -> dict[str, str]:
        return {
            raised.alert.labels.get("cluster"): raised.alert.state.value
            for raised in self.evaluation.evaluator.alerts()
        }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.end()


def test_a_split_fires_after_for_and_resolves(world: World) -> None:
    seen = []
    for observation in (healthy(), split(), split(), split(), healthy()):
        world.poll(observation)
        seen.append(world.states())
    assert seen == [{}, {"a": "pending"}, {"a": "pending"}, {"a": "firing"}, {}]


def test_a_restart_in_the_middle_of_for(world: World) -> None:
    world.poll(split())
    world.poll(split())
    world.end()
    world.begin()
    world.poll(split(), after=1.0)
    assert world.states() == {"a": "pending"}
    world.poll(split())
    assert world.states() == {"a": "firing"}
    world.end()
    world.begin()
    world.poll(split(), after=1.0)
    assert world.states() == {"a": "firing"}


def test_alerts_of_a_cluster_that_is_not_polled_yet_are_left_alone_after_a_restart(tmp_path: Path) -> None:
    world = World(tmp_path, ("a", "b"))
    for _ in range(4):
        world.poll(split(), "a", after=1.0)
        world.poll(split(), "b", after=14.0)
    assert world.states() == {"a": "firing", "b": "firing"}
    world.end()
    world.begin()
    world.poll(split(), "a", after=1.0)
    assert world.evaluation.evaluator.status()[0].last_evaluation is None
    world.poll(split(), "b", after=8.0)
    assert world.states() == {"a": "firing", "b": "firing"}
    world.end()


def test_rules_go_on_when_a_cluster_never_answers_at_all(tmp_path: Path) -> None:
    world = World(tmp_path, ("a", "b"))
    for _ in range(3):
        world.poll(split(), "a")
    assert world.states() == {"a": "pending"}
    world.end()


def test_history_is_there_after_a_restart(world: World) -> None:
    world.rules.write_text(
        SPLIT.replace("rabbitwatch_cluster_components > 1", "max_over_time(rabbitwatch_cluster_components[10m]) > 1")
    )
    apply(world.loaded(), [world.evaluation.prepare])
    world.poll(split())
    world.poll(healthy())
    world.end()
    world.begin()
    world.poll(healthy(), after=60.0)
    assert world.states() == {"a": "firing"}


def test_a_wrong_rule_file_never_replaces_a_good_one(world: World) -> None:
    world.poll(split())
    world.rules.write_text("groups: [{name: x, rules: [{alert: A, expr: 'sum('}]}]")
    with pytest.raises(RuleError):
        apply(world.loaded(), [world.evaluation.prepare])
    world.poll(split(), after=30.0)
    assert world.states() == {"a": "firing"}


def test_what_the_window_cannot_hold_is_refused_at_load(world: World) -> None:
    world.rules.write_text(
        SPLIT.replace("rabbitwatch_cluster_components > 1", "sum(max_over_time(rabbitwatch_queue_messages[60d])) > 1")
    )
    with pytest.raises(
        RuleError, match=r"rules\.yml:\d+:\d+: Split: .* needs about [\d,]+ samples .* window holds 25,000,000"
    ):
        apply(world.loaded(), [world.evaluation.prepare])


def test_what_cannot_change_at_a_reload_says_so(world: World) -> None:
    with pytest.raises(ConfigError, match=r"storage\.path cannot change at a reload"):
        world.evaluation.prepare(world.loaded(storage=StorageConfig(path=Path("elsewhere"))))
    with pytest.raises(ConfigError, match="restart to apply"):
        world.evaluation.prepare(world.loaded(rules=RulesConfig(files=(world.rules,), blind_hold=5.0)))


def test_an_evaluation_that_breaks_ends_nothing(world: World) -> None:
    world.poll(split())
    world.database.close()
    world.poll(split())
    world.poll(split())
    assert world.states() == {"a": "firing"}
