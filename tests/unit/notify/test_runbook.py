"""Where an alert's runbook is read, and that every notice leads there."""

from __future__ import annotations

import pytest
from tests.support.notices import alert, notice

from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.receivers.slack.message import Style, group_message
from rabbitwatch.notify.runbook import runbook_link, runbook_links
from rabbitwatch.notify.templating import Texts

DEFAULTS = Texts.of()
AGENT = "http://agent:9419"
PATH = "docs/runbooks/RabbitMQClusterSplit.md"
PAGE = f"{AGENT}/runbooks/RabbitMQClusterSplit"


@pytest.mark.parametrize(
    ("annotations", "url", "link"),
    [
        ({"runbook": PATH}, AGENT, PAGE),
        ({"runbook": PATH}, "https://proxy/rabbit/", "https://proxy/rabbit/runbooks/RabbitMQClusterSplit"),
        ({"runbook": PATH}, "", ""),
        ({"runbook": PATH, "runbook_url": "https://wiki/split"}, AGENT, "https://wiki/split"),
        ({"runbook": PATH, "runbook_url": "javascript:alert(1)"}, AGENT, PAGE),
        ({"runbook": "https://wiki/split"}, AGENT, "https://wiki/split"),
        ({"runbook": "javascript:alert(1)"}, AGENT, ""),
        ({"runbook": "docs/runbooks/../../x.md"}, AGENT, ""),
        ({"runbook": "look at the wiki"}, AGENT, ""),
        ({"runbook": "https://wiki/" + "x" * 2000}, AGENT, ""),
        ({}, AGENT, ""),
    ],
)
def test_the_link(annotations: dict[str, str], url: str, link: str) -> None:
    assert runbook_link(annotations, url) == link


def of(path: str) -> OutAlert:
    return OutAlert(
        labels={"alertname": "A", "queue": path},
        annotations={"runbook": path},
        starts_at=1.0,
        ends_at=None,
        updated_at=1.0,
    )


def test_several_alerts_name_each_once() -> None:
    assert runbook_links([of(PATH), of("docs/runbooks/B.md"), of(PATH)], AGENT) == [PAGE, f"{AGENT}/runbooks/B"]


@pytest.mark.parametrize("name", ["email.text", "email.html", "slack.text", "apprise.text"])
def test_the_shipped_texts_lead_to_the_page(name: str) -> None:
    assert PAGE in DEFAULTS.render(name, notice(of(PATH)))


def test_slack_tells_a_shared_runbook_once() -> None:
    shared = str(group_message(notice(of(PATH), of(PATH)), Style(texts=DEFAULTS)).arguments)
    assert shared.count(f"<{PAGE}|Runbook>") == 1
    differ = str(group_message(notice(of(PATH), of("docs/runbooks/B.md"), alert()), Style(texts=DEFAULTS)).arguments)
    assert differ.count(f"<{PAGE}|Runbook>") == differ.count(f"<{AGENT}/runbooks/B|Runbook>") == 1
