"""Every recorded template renders here as it did in Prometheus, errors included."""

from __future__ import annotations

import re

import pytest
from tests.unit.alerting.templates.recorded import Case, cases

from rabbitwatch.alerting.templates import Template
from rabbitwatch.alerting.templates.evaluate import Run
from rabbitwatch.alerting.templates.functions import FUNCTIONS
from rabbitwatch.alerting.templates.parser import parse
from rabbitwatch.errors import TemplateError

CASES = cases()


def _refusal(text: str) -> TemplateError | None:
    try:
        Template.parse("x", text)
    except TemplateError as error:
        return error
    return None


def _name(case: Case) -> str:
    return f"{case.template[:60]} {case.value:g}"


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_evaluates_as_prometheus(case: Case) -> None:
    """Without the checks at load, which refuse most of what fails."""
    try:
        text = Run("__alert_A", parse(case.template, FUNCTIONS), case.data).text()
    except TemplateError as error:
        text = f"<error expanding template: {error}>"
    assert text == case.expect


@pytest.mark.parametrize("case", [case for case in CASES if not case.fails], ids=_name)
def test_what_prometheus_renders_is_not_refused(case: Case) -> None:
    assert Template.parse("__alert_A", case.template).render(case.data) == (case.expect, None)


@pytest.mark.parametrize("case", [case for case in CASES if case.fails], ids=_name)
def test_what_fails_is_refused_at_load_or_renders_the_error(case: Case) -> None:
    refusal = _refusal(case.template)
    if refusal is not None:
        assert refusal.line == 1
        assert 1 <= (refusal.column or 0) <= len(case.template)
        return
    text, error = Template.parse("__alert_A", case.template).render(case.data)
    assert text == case.expect
    assert error
    assert error in text


def test_most_failures_are_found_at_load() -> None:
    """What is left for the night depends on data, or passes nil around."""
    left = [case.template for case in CASES if case.fails and _refusal(case.template) is None]
    assert left
    assert [template for template in left if not re.search(r"query|nil|abels\.queue", template)] == []
