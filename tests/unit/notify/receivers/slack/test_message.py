"""The group's message: what people see, and that Slack takes it however many alerts there are."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.slacknotices import NOW, a_notice, out_alert
from tests.support.slackrules import refused

from rabbitwatch.model.notice import Notice, Reason
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.receivers.slack.buttons import SHOW, SILENCE
from rabbitwatch.notify.receivers.slack.message import Content, Style, group_message
from rabbitwatch.notify.remarks import remarked
from rabbitwatch.notify.templating import Texts

STYLE = Style(texts=Texts.of(), silence=True)
SHOWN = st.text(max_size=400)


def shown(content: Content) -> str:
    """All that people see, a block a line."""
    return "\n".join(
        element["text"]
        for block in [*content.blocks, *(block for each in content.attachments for block in each["blocks"])]
        for element in ([block["text"]] if "text" in block else block["elements"])
        if isinstance(element["text"], str)
    )


def buttons(content: Content) -> dict[str, dict[str, Any]]:
    blocks = content.attachments[0]["blocks"]
    elements = next((block["elements"] for block in blocks if block["type"] == "actions"), [])
    return {each["action_id"]: each for each in elements}


def test_severity_shows_in_word_symbol_and_colour() -> None:
    seen = set()
    for severity in ("critical", "warning", "info", "unheard-of"):
        content = group_message(a_notice([out_alert(severity=severity)]), STYLE)
        seen.add((content.blocks[0]["text"]["text"].split("*")[0], content.attachments[0]["color"]))
    assert len({symbol for symbol, _ in seen}) == len({colour for _, colour in seen}) == 4


def test_the_worst_that_fires_counts() -> None:
    alerts = [out_alert("a"), out_alert("b", severity="critical"), out_alert("c", ends_at=NOW)]
    text = shown(group_message(a_notice(alerts), STYLE))
    assert "*CRITICAL*" in text
    assert "2 firing, 1 resolved" in text
    over = [out_alert("a"), out_alert("b", severity="critical", ends_at=NOW)]
    assert "*WARNING*" in shown(group_message(a_notice(over), STYLE))


def test_an_alert_says_what_where_since_when_and_what_to_do() -> None:
    annotations = {
        "summary": "A mirror is missing.",
        "description": "Messages would be lost with the node.",
        "runbook_url": "https://example.org/runbooks/mirrors",
    }
    alerts = [out_alert("invoices", annotations=annotations), out_alert("mails", annotations=annotations)]
    text = shown(group_message(a_notice(alerts), STYLE))
    assert "cluster `orders`" in text.splitlines()[0]
    assert text.splitlines()[1] == "vhost `/`"
    assert "*A mirror is missing.*\nqueue `invoices`\nMessages would be lost with the node.\nsince <!date^" in text
    assert "<https://example.org/runbooks/mirrors|Runbook>" in text


def test_runbooks_that_differ_stand_with_their_alerts() -> None:
    alerts = [out_alert(each, annotations={"runbook_url": f"https://example.org/{each}"}) for each in ("a", "b")]
    said = shown(group_message(a_notice(alerts), STYLE))
    assert re.findall(r"since .* · <(.*)\|Runbook>", said) == ["https://example.org/a", "https://example.org/b"]


def test_what_is_over_is_not_described() -> None:
    annotations = {"summary": "s", "description": "All is lost."}
    alerts = [out_alert(annotations=annotations), out_alert("b", annotations=annotations, ends_at=NOW)]
    assert shown(group_message(a_notice(alerts), STYLE)).count("All is lost.") == 1


def test_what_is_held_without_data_is_marked() -> None:
    assert "no data since <!date^1789999000^" in shown(
        group_message(a_notice([out_alert(blind_since=NOW - 1000)]), STYLE)
    )
    assert "no data" not in shown(group_message(a_notice([out_alert()]), STYLE))


def test_the_resolved_look() -> None:
    content = group_message(a_notice([out_alert(ends_at=NOW)], Reason.ALL_RESOLVED), STYLE)
    text = shown(content)
    assert "*RESOLVED*" in text
    assert "resolved <!date^1790000000^" in text
    assert SILENCE not in buttons(content)
    assert content.attachments[0]["color"] != group_message(a_notice([out_alert()]), STYLE).attachments[0]["color"]


@pytest.mark.parametrize("count", [1, 12, 13, 49, 500])
def test_what_does_not_fit_is_counted(count: int) -> None:
    alerts = [out_alert(f"queue-{n}") for n in range(count)]
    content = group_message(a_notice(alerts), STYLE)
    assert refused(content.arguments) == ""
    assert ("and" in shown(content)) == (count > 12)
    if count == 49:
        assert "and 37 more" in shown(content)


def test_long_descriptions_leave_room_for_fewer_alerts() -> None:
    annotations = {"summary": "s" * 5000, "description": "&" * 50_000}
    alerts = [out_alert(f"queue-{n}", annotations=annotations, extra="x" * 5000) for n in range(50)]
    content = group_message(a_notice(alerts, group_labels={"extra": "x" * 5000}), STYLE)
    assert refused(content.arguments) == ""
    said = next(line for line in shown(content).splitlines() if line.startswith("and "))
    assert int(said.split()[1]) > 38


@given(st.dictionaries(SHOWN, SHOWN, max_size=12), SHOWN, SHOWN, st.booleans())
def test_slack_takes_whatever_labels_hold(labels: dict[str, str], summary: str, description: str, over: bool) -> None:
    alert = out_alert(
        annotations={"summary": summary, "description": description, "runbook_url": description},
        ends_at=NOW if over else None,
    )
    alert = dataclasses.replace(alert, labels={**alert.labels, **labels})
    content = group_message(a_notice([alert], group_labels=labels), STYLE)
    assert refused(content.arguments) == ""
    texts = [text for text in _texts(content.arguments) if "verbatim" in text]
    assert texts
    assert all(text["verbatim"] for text in texts)


def test_a_hostile_queue_can_neither_mention_nor_link() -> None:
    name = "<!channel> <https://evil.example|Runbook> *x* @here"
    content = group_message(a_notice([out_alert(name, annotations={"summary": f"Queue {name} is stuck."})]), STYLE)
    said = json.dumps(_without_values(content.arguments))
    assert "<!channel" not in said
    assert "<https" not in said
    assert "queue `&lt;!channel&gt; " in shown(content)


def test_the_silence_button_carries_the_groups_labels() -> None:
    notice = a_notice([out_alert()], group_labels={"cluster": "orders", "vhost": ""})
    assert json.loads(buttons(group_message(notice, STYLE))[SILENCE]["value"]) == {"cluster": "orders"}


def test_without_group_labels_it_carries_what_all_share() -> None:
    alerts = [out_alert("a"), out_alert("b")]
    shared = {"alertname": "RabbitMQMirrorsMissing", "severity": "warning", "cluster": "orders", "vhost": "/"}
    assert json.loads(buttons(group_message(a_notice(alerts, group_labels={}), STYLE))[SILENCE]["value"]) == shared


@pytest.mark.parametrize(
    "notice",
    [
        a_notice([out_alert(), out_alert(alertname="Other")], group_labels={}),
        a_notice([out_alert()], group_labels={"queue": "q" * 3000}),
    ],
    ids=["different alerts", "labels too long"],
)
def test_no_button_that_would_silence_too_much_or_cannot_carry_it(notice: Notice) -> None:
    assert SILENCE not in buttons(group_message(notice, STYLE))


def test_no_button_that_nobody_answers() -> None:
    assert buttons(group_message(a_notice([out_alert()]), STYLE))[SHOW]["url"] == "https://rabbitwatch.example.org/"
    silent = dataclasses.replace(STYLE, silence=False)
    content = group_message(a_notice([out_alert()]), silent)
    assert not buttons(content)
    links = "<https://rabbitwatch.example.org/|Show> · <https://rabbitwatch.example.org/silences?filter="
    assert shown(content).splitlines()[-1].startswith(links)
    assert "Silence" not in shown(group_message(a_notice([out_alert(ends_at=NOW)]), silent))
    assert "Show" not in shown(group_message(a_notice([out_alert()], external_url=""), silent))
    assert "Show" not in shown(group_message(a_notice([out_alert()]), dataclasses.replace(silent, show=False)))


def test_own_templates_take_the_place_of_title_and_body() -> None:
    texts = Texts.of(
        {
            "slack.title": "T {{ group_labels.cluster }}",
            "slack.text": "B {% for alert in firing %}{{ alert.labels.queue }}{% endfor %}",
        }
    )
    notice = a_notice([out_alert("<!here>")])
    content = group_message(notice, dataclasses.replace(STYLE, texts=texts))
    assert content.blocks[0]["text"]["text"] == "T orders"
    assert content.attachments[0]["blocks"][0]["text"]["text"] == "B &lt;!here&gt;"
    assert SILENCE in buttons(content)


def test_an_own_text_is_cut() -> None:
    texts = Texts.of({"slack.title": "t" * 2000, "slack.text": "{% for n in range(900) %}words and {% endfor %}"})
    content = group_message(a_notice([out_alert()]), dataclasses.replace(STYLE, texts=texts))
    assert refused(content.arguments) == ""
    assert content.blocks[0]["text"]["text"].endswith("…")


def test_only_what_fires_calls_somebody() -> None:
    style = dataclasses.replace(STYLE, mention="<!here>")
    assert group_message(a_notice([out_alert()]), style).blocks[0]["text"]["text"].startswith("<!here> ")
    assert "<!here>" not in shown(group_message(a_notice([out_alert(ends_at=NOW)]), style))


def test_notifications_are_a_line_of_plain_words() -> None:
    content = group_message(a_notice([out_alert(), out_alert("b")]), STYLE)
    assert content.text == "⚠️ [WARNING 2 firing] RabbitMQMirrorsMissing orders - A mirror is missing."


def _texts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if value.get("type") == "mrkdwn" else []
        return own + [text for each in value.values() for text in _texts(each)]
    return [text for each in value for text in _texts(each)] if isinstance(value, list) else []


def _without_values(value: Any) -> Any:
    """A button's value is data, not text."""
    if isinstance(value, dict):
        return {key: _without_values(each) for key, each in value.items() if key != "value"}
    return [_without_values(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("count", [1, 4, 60])
@pytest.mark.parametrize("approve", [True, False])
@pytest.mark.parametrize("same", [True, False])
def test_slack_takes_it_whatever_is_said_about_however_many(count: int, approve: bool, same: bool) -> None:
    said = [
        Remark(
            id=str(n), at=NOW + n, text=f"{'' if same else n} *<!channel>* & " + "y\n" * 2000, loud=True, approval="q"
        )
        for n in range(count)
    ]
    long = {"summary": "s" * 400, "description": "d" * 2000}
    alerts = [remarked(out_alert(f"q{n}", annotations=long), each) for n, each in enumerate(said)]
    content = group_message(a_notice(alerts), dataclasses.replace(STYLE, approve=approve))
    assert refused(content.arguments) == ""
    text = shown(content)
    assert text.count("*Waits for an approval*") == (1 if same else min(count, 3))
    assert "<!channel>" not in text
