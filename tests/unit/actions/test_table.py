from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from tests.support.seen import TARGET, as_broker, lagging, look, observed
from tests.unit.cluster.build import A, healthy

import rabbitwatch.actions
from rabbitwatch.actions.guards.table import GUARDS
from rabbitwatch.actions.table import ACTIONS
from rabbitwatch.config.actions import ActionName, GuardsConfig
from rabbitwatch.config.models import DeclaredPolicy

FOLDER = Path(rabbitwatch.actions.__file__).parent


def test_the_configuration_names_the_actions_that_there_are() -> None:
    files = {path.stem for path in FOLDER.glob("*.py") if "ACTION: Action = " in path.read_text()}
    assert set(get_args(ActionName)) == set(ACTIONS) == files


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_goes_by_the_name_of_its_file(name: str) -> None:
    assert ACTIONS[name].name == name


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize(
    "seen",
    [
        look(),
        look([lagging()]),
        look(observation=healthy(version="4.3.6")),
        look(observation=healthy(), policies=(), queues=()),
        look(observation=observed(nodes={A: {"partitions": ["rabbit@c"]}})),
        look([lagging()], [as_broker(DeclaredPolicy(name="ha", pattern=".*", definition={}))]),
    ],
)
def test_a_plan_says_what_or_why_not(name: str, seen: object) -> None:
    plan = ACTIONS[name].plan(seen, TARGET)  # type: ignore[arg-type]
    assert bool(plan.steps or plan.text) is not bool(plan.nothing)
    assert plan.action == name
    assert {step.action for step in plan.steps} <= {"apply_policy", "sync_queue"}
    assert all("\n" not in line for line in (plan.nothing, *(step.summary for step in plan.steps)))


def test_guards_have_names_of_their_own_and_say_what_they_ask() -> None:
    names = [guard.__name__ for guard in GUARDS]
    assert len(set(names)) == len(names)
    assert all(guard.__doc__ for guard in GUARDS)


def test_what_can_be_set_about_guards_is_named_by_the_guard() -> None:
    assert set(GuardsConfig.model_fields) <= {guard.__name__ for guard in GUARDS}


def test_all_guards_of_the_folder_are_in_the_table() -> None:
    marked = sum(
        text.count("\n@guard\n") + text.count("\n@approvable\n")
        for text in (path.read_text() for path in (FOLDER / "guards").glob("*.py"))
    )
    assert marked == len(GUARDS)
