from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.cluster.build import ABC, HA_ALL, A, B, C, healthy, missed, node, objects, queue, sees, split
from tests.unit.cluster.build import cluster as observed

from rabbitwatch.agent import Agent, Cycle
from rabbitwatch.config.change import apply
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import ClusterConfig, Config, NodeConfig, PollConfig
from rabbitwatch.errors import ConfigError
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.model.observation import ClusterObservation


class FakePoller:
    """Hands out what a test says that the cluster's nodes said."""

    def __init__(self, observe: Callable[[], ClusterObservation]) -> None:
        self.observe = observe
        self.closed = False

    def poll(self) -> ClusterObservation:
        return self.observe()

    def close(self) -> None:
        self.closed = True


class Pollers:
    """Makes FakePollers and remembers them by the cluster's label."""

    def __init__(self) -> None:
        self.made: dict[str, list[FakePoller]] = {}
        self.says: dict[str, Callable[[], ClusterObservation]] = {}

    def __call__(self, cluster: ClusterConfig, _: PollConfig) -> FakePoller:
        if cluster.username == "refused":
            raise ConfigError("cannot be made")
        poller = FakePoller(self.says.get(cluster.label, healthy))
        self.made.setdefault(cluster.label, []).append(poller)
        return poller


def config(*names: str, **more: str) -> Config:
    return Config(clusters=tuple(ClusterConfig(name=name, **more) for name in names))  # type: ignore[arg-type]


def loaded(content: Config) -> Loaded:
    return Loaded(content, path=None, web=None, web_path=None, warnings=(), secrets=frozenset())


@pytest.fixture
def pollers() -> Pollers:
    return Pollers()


def agent(pollers: Pollers, *names: str, consumers: tuple[Callable[[Cycle], None], ...] = ()) -> Agent:
    return Agent(config(*names), pollers, OwnMetrics(), consumers)


def cycle(agent: Agent, index: int = 0) -> None:
    agent.run_cycle(agent._watches[index])


def samples(agent: Agent, name: str) -> dict[tuple[str, ...], float]:
    body, _ = agent.scrape(openmetrics=False, gzipped=False)
    return dict(_samples(body.decode(), name))


def _samples(page: str, name: str) -> Iterator[tuple[tuple[str, ...], float]]:
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == name:
                yield tuple(sample.labels.values()), sample.value


def test_before_the_first_poll_the_page_holds_the_agents_own_metrics_and_no_clusters(pollers: Pollers) -> None:
    watching = agent(pollers, "orders")
    assert watching.unpolled() == ["orders"]
    assert samples(watching, "process_start_time_seconds")
    assert not samples(watching, "rabbitwatch_cluster_nodes")


def test_a_cycle_goes_all_the_way_from_the_poll_to_the_page_and_the_consumers(pollers: Pollers) -> None:
    consumed: list[Cycle] = []
    watching = agent(pollers, "orders", consumers=(consumed.append,))
    pollers.made["orders"][0].observe = split
    cycle(watching)
    assert watching.unpolled() == []
    assert samples(watching, "rabbitwatch_cluster_components") == {("orders",): 2}
    (one,) = consumed
    assert one.observation == split()
    assert "fallen into 2 groups" in " ".join(finding.sentence for finding in one.findings)
    (document,) = watching.documents()
    assert document["components"] == [[A, B], [C]]
    assert samples(watching, "rabbitwatch_polls_total") == {("orders",): 1}


def test_the_sentence_says_what_changed(pollers: Pollers) -> None:
    consumed: list[Cycle] = []
    watching = agent(pollers, "orders", consumers=(consumed.append,))
    cycle(watching)
    pollers.made["orders"][0].observe = split
    cycle(watching)
    cycle(watching)
    assert "new: the cluster has fallen into 2 groups" in consumed[1].sentence
    assert consumed[2].sentence.endswith("nothing changed")


def test_two_clusters_share_a_page_with_each_family_once(pollers: Pollers) -> None:
    pollers.says = {"a": lambda: replace(healthy(), cluster="a"), "b": lambda: replace(split(), cluster="b")}
    watching = agent(pollers, "a", "b")
    cycle(watching, 0)
    cycle(watching, 1)
    assert samples(watching, "rabbitwatch_cluster_components") == {("a",): 1, ("b",): 2}
    body, _ = watching.scrape(openmetrics=False, gzipped=False)
    assert body.count(b"# TYPE rabbitwatch_cluster_components ") == 1


def test_two_clusters_that_call_themselves_the_same_are_told_apart(pollers: Pollers) -> None:
    nodes = [(NodeConfig(url=f"http://{host}:15672"),) for host in "ab"]
    both = Config(clusters=tuple(ClusterConfig(nodes=one) for one in nodes))
    watching = Agent(both, pollers, OwnMetrics())
    for _ in range(2):
        cycle(watching, 0)
        cycle(watching, 1)
    assert set(samples(watching, "rabbitwatch_cluster_nodes")) == {("orders",), ("http://b:15672",)}


def test_a_bug_ends_one_cycle_and_leaves_no_old_samples_behind(pollers: Pollers) -> None:
    def broken() -> ClusterObservation:
        raise ZeroDivisionError

    pollers.says = {"a": lambda: replace(healthy(), cluster="a"), "b": lambda: replace(healthy(), cluster="b")}
    watching = agent(pollers, "a", "b")
    cycle(watching, 0)
    cycle(watching, 1)
    pollers.made["a"][0].observe = broken
    cycle(watching, 0)
    assert set(samples(watching, "rabbitwatch_cluster_nodes")) == {("b",)}
    assert samples(watching, "rabbitwatch_cycle_failures_total")[("a",)] == 1
    assert watching.unpolled() == []
    pollers.made["a"][0].observe = pollers.says["a"]
    cycle(watching, 0)
    assert set(samples(watching, "rabbitwatch_cluster_nodes")) == {("a",), ("b",)}


def test_a_consumer_that_fails_takes_no_samples_away(pollers: Pollers) -> None:
    def failing(_: Cycle) -> None:
        raise ZeroDivisionError

    watching = agent(pollers, "orders", consumers=(failing,))
    cycle(watching)
    assert samples(watching, "rabbitwatch_cluster_nodes") == {("orders",): 3}
    assert samples(watching, "rabbitwatch_cycle_failures_total") == {("orders",): 1}
    assert watching.unpolled() == []


def test_a_reload_keeps_the_poller_and_the_samples_of_an_unchanged_cluster(pollers: Pollers) -> None:
    pollers.says = {"a": lambda: replace(healthy(), cluster="a"), "b": lambda: replace(healthy(), cluster="b")}
    watching = agent(pollers, "a", "b")
    cycle(watching, 0)
    cycle(watching, 1)
    apply(loaded(config("a", "c")), [watching.prepare])
    assert len(pollers.made["a"]) == 1
    assert not pollers.made["a"][0].closed
    assert pollers.made["b"][0].closed
    assert set(samples(watching, "rabbitwatch_cluster_nodes")) == {("a",)}
    assert watching.unpolled() == ["c"]


def test_a_changed_cluster_gets_a_new_poller(pollers: Pollers) -> None:
    watching = agent(pollers, "a")
    apply(loaded(config("a", username="bob")), [watching.prepare])
    old, new = pollers.made["a"]
    assert (old.closed, new.closed) == (True, False)


def test_a_reload_that_one_part_refuses_changes_nothing(pollers: Pollers) -> None:
    watching = agent(pollers, "a")

    def refuse(_: Loaded) -> None:
        raise ConfigError("no")

    with pytest.raises(ConfigError):
        apply(loaded(config("a", "b")), [watching.prepare, refuse])  # type: ignore[list-item]
    assert watching.unpolled() == ["a"]
    assert not pollers.made["a"][0].closed
    assert pollers.made["b"][0].closed


def test_a_poller_that_cannot_be_made_lets_go_of_those_that_were(pollers: Pollers) -> None:
    watching = agent(pollers, "a")
    refused = Config(clusters=(ClusterConfig(name="b"), ClusterConfig(name="c", username="refused")))
    with pytest.raises(ConfigError):
        watching.prepare(loaded(refused))
    assert pollers.made["b"][0].closed
    assert not pollers.made["a"][0].closed


def test_a_node_that_does_not_answer_is_unknown_and_not_zero(pollers: Pollers) -> None:
    watching = agent(pollers, "orders")
    silent = observed([node(A, sees(ABC)), node(B, sees(ABC)), node(C, missed())], objects(queues=(queue(),)))
    pollers.made["orders"][0].observe = lambda: silent
    cycle(watching)
    observers = {labels[1] for labels in samples(watching, "rabbitwatch_view_running")}
    assert observers == {A, B}
    assert samples(watching, "rabbitwatch_node_up")[("orders", C)] == 0


def test_started_it_polls_at_once_and_stopped_it_closes_its_pollers(pollers: Pollers) -> None:
    from_poll: list[Cycle] = []
    watching = agent(pollers, "a", consumers=(from_poll.append,))
    pollers.made["a"][0].observe = lambda: healthy(objects(queues=(queue(mirrors=(B, C)),), policies=(HA_ALL,)))
    watching.start()
    try:
        for _ in range(200):
            if from_poll:
                break
            time.sleep(0.05)
    finally:
        watching.stop()
    assert from_poll
    assert pollers.made["a"][0].closed
