"""The second half of the line: from the samples of each poll to alerts, and what must survive a restart.

    cycle -> window -> rules -> alerts (stored), history (stored)

Evaluation follows each poll, so an alert is as fresh as the samples; a job of its own keeps the rules going while polls
fail. Which groups are due is the evaluator's business, so the two never evaluate twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from rabbitwatch.agent import Cycle
from rabbitwatch.alerting.evaluate.context import Context, Settings
from rabbitwatch.alerting.evaluate.evaluator import Evaluator
from rabbitwatch.alerting.evaluate.status import Cycle as Evaluated
from rabbitwatch.alerting.gaps import coverage
from rabbitwatch.alerting.own_metrics import RuleMetrics
from rabbitwatch.alerting.rulefile.history import history
from rabbitwatch.alerting.rulefile.load import Families, load
from rabbitwatch.alerting.rulefile.model import RuleSet
from rabbitwatch.assets import shipped
from rabbitwatch.config.change import Change
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import Config, RulesConfig
from rabbitwatch.errors import ConfigError, RuleError, StorageError
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.notify.routing import FAILING_ALERT
from rabbitwatch.promql.engine import Engine, Limits
from rabbitwatch.promql.storage import LOOKBACK_MS
from rabbitwatch.promql.window import Requirement, Window
from rabbitwatch.promql.window.own_metrics import WindowMetrics
from rabbitwatch.scheduling import Scheduler
from rabbitwatch.storage.alerts import SqliteAlertStore
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.history import History
from rabbitwatch.web.prometheus import PrometheusApi
from rabbitwatch.web.status import trend

SAVE_SECONDS = 60.0
"""How often history is stored: what a killed agent loses at most."""

_FEW_SERIES = 1000

_log = structlog.get_logger(__name__)


class Evaluation:
    """Window, rules and their memory as one part of the program. `take` is a consumer of the agent's cycles.

    families: the label names of each metric that the agent makes, against which rules are checked. now: seconds since
    the epoch. announce: who is told of each evaluation, when it is stored.
    """

    def __init__(
        self,
        config: Config,
        own: OwnMetrics,
        database: Database,
        families: Families,
        now: Callable[[], float] = time.time,
        announce: Callable[[Evaluated], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._own = own
        self._families = families
        self._now = now
        self._announce = announce
        self._states: dict[str, ClusterState] = {}
        self._saving = threading.Lock()
        self._saved_at = self._began_at = now()
        self._trouble: dict[str, str] = {}
        self._failing: dict[tuple[str, str], str] = {}
        self._scheduler = Scheduler()
        self.window = Window(
            interval_ms=round(config.poll.interval * 1000),
            budget=config.rules.window_samples,
            expected_series=self._expected_series,
        )
        self.evaluator = Evaluator(
            Context(
                engine=Engine(),
                storage=self.window,
                appender=self.window,
                store=SqliteAlertStore(database),
                settings=_settings(config.rules),
            )
        )
        self._history = History(database, self.window)
        self.api = PrometheusApi(self.window, _engine, self.evaluator, now=now)
        own.registry.register(RuleMetrics(self.evaluator))
        own.registry.register(WindowMetrics(self.window))

    def begin(self, loaded: Loaded) -> None:
        """Load the rules, take back what was stored, and start; RabbitwatchError when the rules cannot be used."""
        self.prepare(loaded).commit()
        self._history.restore(round(self._now() * 1000))
        self._scheduler.every(
            self._config.rules.evaluation_interval,
            "evaluate",
            self.evaluate,
            delay=self._config.rules.evaluation_interval,
        )
        self._scheduler.start()

    def stop(self) -> None:
        """Store what there is."""
        self._scheduler.stop()
        self._save(self._now())

    def prepare(self, loaded: Loaded) -> Change:
        """Get ready to evaluate the rules that `loaded` names; RabbitwatchError where they cannot be used."""
        config = loaded.config
        if config.storage != self._config.storage:
            raise ConfigError("storage.path cannot change at a reload: restart to apply it")
        if _settings(config.rules) != _settings(self._config.rules):
            raise ConfigError("of rules only files can change at a reload: restart to apply the rest")
        rules = rules_of(config, self._families)
        warning = unheard(config, rules)
        needed = self._with_charts(history(rules))

        def commit() -> None:
            self._config = config
            self.window.retain(needed)
            self.evaluator.load(rules)
            if warning:
                _log.warning(warning)

        return Change(commit)

    def _with_charts(self, needed: list[Requirement]) -> list[Requirement]:
        """The rules' history, and that of the status page where there is room for it beside; RuleError where the rules'
        alone does not fit: charts never cost a rule."""
        try:
            self.window.check([*needed, trend.HISTORY])
        except RuleError:
            self.window.check(needed)
            _log.warning("rules.window_samples leaves no room for the charts of the status page: rules work without")
            return needed
        return [*needed, trend.HISTORY]

    def take(self, cycle: Cycle) -> None:
        """One poll of one cluster: into the window, then evaluate what is due."""
        state = cycle.state
        self._states = {**self._states, state.cluster: state}
        self.window.ingest(round(cycle.observation.at * 1000), cycle.blocks, state.cluster)
        self.evaluate()
        now = self._now()
        if now - self._saved_at >= SAVE_SECONDS:
            self._save(now)

    def evaluate(self) -> None:
        """Evaluate what is due now: the border behind which nothing may end the program."""
        now = self._now()
        if not self._warm(now):
            return
        try:
            self.window.ingest(round(now * 1000), self._own.blocks(), "")
            found = self.evaluator.evaluate(now, coverage(self._recent(now), self.window.families().values()))
            self._announce(found)
        except Exception as error:  # noqa: BLE001 - the evaluate border: logged once, tried again at the next poll
            self._tell("evaluate", str(error), "rules were not evaluated because of a bug in rabbitwatch", trace=True)
        else:
            self._tell("evaluate", "", "")
            self._report(found)

    def _report(self, found: Evaluated) -> None:
        self._tell("store", found.unsaved, "alerts could not be stored and would be lost by a restart")
        failing = {(failure.group, failure.rule): failure.error for failure in found.failures}
        for (group, rule), why in failing.items():
            if self._failing.get((group, rule)) != why:
                _log.error("a rule failed, the others go on", group=group, rule=rule, why=why)
        others = {key: why for key, why in self._failing.items() if key[0] not in found.groups}
        self._failing = others | failing

    def _warm(self, now: float) -> bool:
        """Whether every cluster was polled since the start, or has had the time: before that, alerts that were taken
        back from the store would resolve only because nobody has looked yet."""
        polled = len(self._states) >= len(self._config.clusters)
        return polled or now - self._began_at >= 2 * self._config.poll.interval

    def _recent(self, now: float) -> Sequence[ClusterState]:
        return [state for state in self._states.values() if (now - state.at) * 1000 < LOOKBACK_MS]

    def _save(self, now: float) -> None:
        with self._saving:
            self._saved_at = now
            try:
                self._history.save(round(now * 1000))
            except StorageError as error:
                self._tell("history", str(error), "history could not be stored and would be lost by a restart")
            else:
                self._tell("history", "", "")

    def _tell(self, about: str, why: str, what: str, *, trace: bool = False) -> None:
        """Log a trouble when it begins or changes; say nothing while it lasts."""
        before = self._trouble.get(about, "")
        self._trouble[about] = why
        if why and why != before:
            (_log.exception if trace else _log.error)(what, why=why)

    def _expected_series(self, requirement: Requirement) -> int:
        """How many series a selector may come to, before a poll has shown it: the bound on queues where it is one."""
        queues = sum(cluster.queues.limit for cluster in self._config.clusters)
        per_queue = [n for n, labels in self._families.items() if labels and "queue" in labels]
        return queues if any(requirement.may_want(name) for name in per_queue) else _FEW_SERIES


def rules_of(config: Config, families: Families) -> RuleSet:
    """The rules in the files that `config` names, the shipped ones where it names none; RuleError where they cannot be
    used."""
    files = config.rules.files
    return load([shipped("rules") / "*.yml"] if files is None else files, families, config.poll.interval)


def unheard(config: Config, rules: RuleSet) -> str:
    """What to warn of when people are told of alerts, and would not be told that telling them fails; "" otherwise."""
    if config.route is None or any(rule.name == FAILING_ALERT for rule in rules.rules()):
        return ""
    file = shipped("rules") / "agent.yml"
    return f"no rule is named {FAILING_ALERT}, so nobody hears when a receiver fails: add {file} to rules.files"


def _engine(timeout_s: float) -> Engine:
    return Engine(Limits(timeout_s=timeout_s))


def _settings(rules: RulesConfig) -> Settings:
    return Settings(
        interval_s=rules.evaluation_interval,
        blind_hold_s=rules.blind_hold,
        external_labels=rules.external_labels,
    )
