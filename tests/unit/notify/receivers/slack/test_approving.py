"""Approve and decline in Slack: once, by whom it is allowed, with an answer in the thread."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.support.slackdesk import Desk
from tests.support.slacknotices import NOW, a_notice, out_alert
from tests.support.slackserver import Fault, Message, SlackServer
from tests.support.waiting import until

from rabbitwatch.errors import StorageError
from rabbitwatch.model.notice import Notice, Reason
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.slack.approving import ApprovalButtons
from rabbitwatch.notify.receivers.slack.buttons import APPROVE, DECLINE, SHOW, SILENCE
from rabbitwatch.notify.remarks import remarked

ALICE = "U0ALICE00"


@dataclass
class Decision:
    text: str
    done: bool = True


@dataclass
class Repairs:
    """Takes answers once. patience: how long it thinks."""

    known: set[str] = field(default_factory=lambda: {"q1", "q2"})
    answers: list[tuple[str, str, str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    refusal: Exception | None = None
    patience: float = 0.0
    users: set[str] = field(default_factory=lambda: {ALICE})

    def approval(self, approval_id: str) -> object | None:
        self.asked.append(approval_id)
        return approval_id if approval_id in self.known else None

    def approve(self, approval_id: str, by: str, source: str) -> Decision:
        return self._taken("approved", approval_id, by, source)

    def decline(self, approval_id: str, by: str, source: str) -> Decision:
        return self._taken("declined", approval_id, by, source)

    def _taken(self, answer: str, approval_id: str, by: str, source: str) -> Decision:
        if self.refusal is not None:
            raise self.refusal
        time.sleep(self.patience)
        first = all(each != approval_id for _, each, _, _ in self.answers)
        self.answers.append((answer, approval_id, by, source))
        return Decision(f"{answer} by {by}: acting", True) if first else Decision("was answered already", False)


@pytest.fixture
def repairs() -> Repairs:
    return Repairs()


@pytest.fixture
def desk(slack: SlackServer, repairs: Repairs) -> Iterator[Desk]:
    desk = Desk(
        slack,
        lambda answers: ApprovalButtons(answers, repairs, lambda user: user in repairs.users).handlers(),
        approvals=True,
    )
    desk.sockets.begin()
    assert slack.connected(1)
    yield desk
    desk.sockets.close()


def waiting(*approvals: str, reason: Reason = Reason.FIRST, text: str = "would sync invoices\non 2 nodes") -> Notice:
    said = [Remark(id=each, at=NOW, text=f"{text} ({each})", loud=True, approval=each) for each in approvals]
    return a_notice([remarked(out_alert(each.id), each) for each in said], reason)


def ask(desk: Desk, *approvals: str) -> Memory:
    return desk.sender.send(waiting(*approvals or ("q1",)), {}, "1")


def the_message(desk: Desk) -> Message:
    [message] = [each for each in desk.slack.messages(desk.channel) if not each.thread_ts]
    return message


def test_the_message_asks_and_slack_asks_again(desk: Desk) -> None:
    ask(desk)
    message = the_message(desk)
    shown = json.dumps(message.attachments, ensure_ascii=False)
    assert "✋ *Waits for an approval* · RabbitMQMirrorsMissing\\nwould sync invoices\\non 2 nodes (q1)" in shown
    for action, word, style in ((APPROVE, "Approve", "primary"), (DECLINE, "Decline", "danger")):
        button = message.button(action)
        assert button is not None
        assert (button["text"]["text"], button["style"], button["value"]) == (word, style, "q1")
        confirm = button["confirm"]
        assert confirm["title"]["text"] == f"{word} this repair?"
        assert confirm["text"]["text"] == "would sync invoices\non 2 nodes (q1)"
        assert (confirm["confirm"]["text"], confirm["style"]) == (word, style)
    assert message.button(SHOW) is not None
    assert message.button(SILENCE) is not None


@pytest.mark.parametrize(
    ("action", "answer", "symbol"),
    [(APPROVE, "approved", "✅"), (DECLINE, "declined", "🚫")],
    ids=["approve", "decline"],
)
def test_a_click_is_handed_on_and_its_result_stands_in_the_thread(
    desk: Desk, repairs: Repairs, action: str, answer: str, symbol: str
) -> None:
    memory = ask(desk)
    clicked = desk.slack.click(desk.channel, memory["ts"], action)
    assert desk.slack.was_acknowledged(clicked)
    until(lambda: desk.thread(memory))
    assert repairs.answers == [(answer, "q1", f"alice ({ALICE})", "slack")]
    assert desk.thread(memory) == [f"{symbol} alice ({ALICE}): {answer} by alice ({ALICE}): acting"]
    message = the_message(desk)
    assert message.button(APPROVE) is None
    assert message.button(DECLINE) is None
    assert message.button(SILENCE) is not None
    assert "alice (U0ALICE00) clicked" in json.dumps(message.attachments)
    assert "would sync invoices" in json.dumps(message.attachments)


def test_it_is_acknowledged_and_the_buttons_go_while_it_is_thought_about(desk: Desk, repairs: Repairs) -> None:
    """Slack gives three seconds."""
    repairs.patience = 4.0
    memory = ask(desk)
    began = time.monotonic()
    clicked = desk.slack.click(desk.channel, memory["ts"], APPROVE)
    assert desk.slack.was_acknowledged(clicked)
    until(lambda: the_message(desk).button(APPROVE) is None)
    assert time.monotonic() - began < 3.0
    assert repairs.answers == []
    until(lambda: desk.thread(memory))


def test_a_double_click_acts_once_and_is_answered_once(desk: Desk, repairs: Repairs) -> None:
    memory = ask(desk)
    for action in (APPROVE, APPROVE, DECLINE):
        desk.slack.click(desk.channel, memory["ts"], action, value="q1")
    until(lambda: desk.thread(memory))
    marker = desk.slack.click(desk.channel, memory["ts"], SILENCE)
    assert desk.slack.was_acknowledged(marker)
    until(lambda: desk.silences.made)
    assert [answer for answer, *_ in repairs.answers] == ["approved"]
    assert len([each for each in desk.thread(memory) if "acting" in each]) == 1


def test_whoever_is_not_listed_learns_that_and_nothing_else(desk: Desk, repairs: Repairs) -> None:
    repairs.users = {"U0BOB0000"}
    memory = ask(desk)
    for value in ("q1", "q1", "unheard-of"):
        desk.slack.click(desk.channel, memory["ts"], APPROVE, value=value)
    until(lambda: desk.thread(memory))
    desk.slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: desk.silences.made)
    assert repairs.asked == []
    assert repairs.answers == []
    assert [each for each in desk.thread(memory) if "may not answer" in each] == [
        f"🚫 alice ({ALICE}) may not answer this: `actions.approval.slack_users` lists who may."
    ]
    assert the_message(desk).button(APPROVE) is not None


def test_an_approval_of_the_other_agent_stays_for_it(desk: Desk, repairs: Repairs) -> None:
    repairs.known = set()
    memory = ask(desk)
    desk.slack.click(desk.channel, memory["ts"], APPROVE)
    until(lambda: desk.thread(memory))
    assert "knows no such approval" in desk.thread(memory)[0]
    assert the_message(desk).button(APPROVE) is not None
    repairs.known = {"q1"}
    desk.slack.click(desk.channel, memory["ts"], APPROVE)
    until(lambda: repairs.answers)


def test_what_was_answered_elsewhere_says_so(desk: Desk, repairs: Repairs) -> None:
    repairs.approve("q1", "bob", "page")
    memory = ask(desk)
    desk.slack.click(desk.channel, memory["ts"], APPROVE)
    until(lambda: desk.thread(memory))
    assert desk.thread(memory) == [f"⚠️ alice ({ALICE}): was answered already"]
    assert the_message(desk).button(APPROVE) is None


def test_an_answer_that_cannot_be_taken_is_told_and_may_be_given_again(desk: Desk, repairs: Repairs) -> None:
    repairs.refusal = StorageError("the database is full of <b>")
    memory = ask(desk)
    desk.slack.click(desk.channel, memory["ts"], APPROVE)
    until(lambda: desk.thread(memory))
    assert desk.thread(memory) == ["⚠️ Not taken: the database is full of &lt;b&gt;"]
    until(lambda: the_message(desk).button(APPROVE) is not None)
    repairs.refusal = None
    desk.slack.click(desk.channel, memory["ts"], APPROVE)
    until(lambda: repairs.answers)


def test_the_answer_counts_though_slack_takes_no_edit(desk: Desk, repairs: Repairs) -> None:
    memory = ask(desk)
    desk.slack.then("chat.update", Fault(500))
    desk.slack.click(desk.channel, memory["ts"], APPROVE)
    until(lambda: desk.thread(memory))
    assert len(repairs.answers) == 1


def test_of_two_that_wait_each_has_its_own_buttons(desk: Desk, repairs: Repairs) -> None:
    memory = ask(desk, "q1", "q2")
    desk.slack.click(desk.channel, memory["ts"], DECLINE)
    until(lambda: repairs.answers)
    until(lambda: "clicked Decline" in json.dumps(the_message(desk).attachments))
    left = the_message(desk).button(APPROVE)
    assert left is not None
    assert left["value"] != repairs.answers[0][1]


def test_a_new_remark_takes_the_buttons_away_and_is_told_in_the_thread(desk: Desk) -> None:
    memory = desk.sender.send(a_notice([out_alert("q1")]), {}, "1")
    memory = desk.sender.send(waiting("q1", reason=Reason.REMARKED), memory, "2")
    assert the_message(desk).button(APPROVE) is not None
    [asked] = desk.slack.thread(desk.channel, memory["ts"])
    assert asked.broadcast, "an edited message calls nobody"
    assert asked.button(APPROVE) is None, "there is one place to answer"
    assert "would sync invoices\non 2 nodes (q1)\n(to be answered in the message above)" in desk.thread(memory)[0]
    done = Remark(id="done", at=NOW + 9, text="synchronised", loud=True)
    before = waiting("q1").alerts[0].remarks
    desk.sender.send(a_notice([remarked(out_alert("q1"), *before, done)], Reason.REMARKED), memory, "3")
    assert the_message(desk).button(APPROVE) is None
    assert "🛠️ *Action* · RabbitMQMirrorsMissing\\nsynchronised" in json.dumps(
        the_message(desk).attachments, ensure_ascii=False
    )
    assert desk.thread(memory)[1:] == ["🛠️ *Action* · RabbitMQMirrorsMissing\nsynchronised"]


def test_without_somebody_who_may_there_is_a_link(slack: SlackServer) -> None:
    desk = Desk(slack)
    ask(desk)
    message = the_message(desk)
    assert message.button(APPROVE) is None
    assert "<https://rabbitwatch.example.org/actions/approvals/q1|Approve or decline…>" in json.dumps(
        message.attachments, ensure_ascii=False
    )


def test_what_is_said_by_the_way_stands_in_the_thread_and_calls_nobody(desk: Desk) -> None:
    memory = desk.tell()
    desk.sender.comment(memory, "invoices: 40 % of *all* <!channel>\n2 of 5")
    [said] = desk.slack.thread(desk.channel, memory["ts"])
    assert not said.broadcast
    assert said.blocks[0]["type"] == "context"
    assert said.blocks[0]["elements"][0]["text"] == "invoices: 40 % of \u2217all\u2217 &lt;!channel&gt;\n2 of 5"
    desk.sender.comment({"channel": "C1", "ts": "1", "to": "#another"}, "nothing")
    assert len(desk.slack.thread(desk.channel, memory["ts"])) == 1


def test_clicks_of_many_at_once_act_once(desk: Desk, repairs: Repairs) -> None:
    memory = ask(desk)
    clicking: Callable[[], Any] = lambda: desk.slack.click(desk.channel, memory["ts"], APPROVE, value="q1")  # noqa: E731
    threads = [threading.Thread(target=clicking) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: desk.thread(memory))
    time.sleep(0.2)
    assert len(repairs.answers) == 1
    assert len(desk.thread(memory)) == 1
