"""kill -9 between Slack and the delivery log, with a real process: Slack is asked; nothing is told twice or lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.slackserver import SlackServer

AGENT = """
import json
import os
import signal
import sys
import time
from pathlib import Path

from rabbitwatch.config.notices import RouteConfig
from rabbitwatch.config.receivers import ReceiverConfig
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.dispatch import Dispatcher
from rabbitwatch.notify.inhibition import Inhibitor
from rabbitwatch.notify.ledger import Ledger
from rabbitwatch.notify.receivers.table import integrations
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.routing import Routing, build
from rabbitwatch.notify.stages.deliver import Deliver
from rabbitwatch.notify.stages.record import Record
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.deliveries import SqliteDeliveries

folder, slack, point, names = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3], sys.argv[4:]


class Store(SqliteDeliveries):
    def begin(self, attempt):
        super().begin(attempt)
        self.reached("begun")

    def confirmed(self, attempt, entry, told=()):
        self.reached("arrived")
        super().confirmed(attempt, entry, told)

    def reached(self, here):
        if here == point:
            os.kill(os.getpid(), signal.SIGKILL)


ledger = Ledger(Store(Database.open(folder)))
deliver = Deliver(ledger, Record(ledger, lambda _: None, time.time))
dispatcher = Dispatcher(deliver, time.time)
deliver.use(integrations([ReceiverConfig.model_validate({"name": "team", "slack_configs": [slack]})], Tools()), "")
route = {"receiver": "team", "group_by": ["cluster"], "group_wait": "0s", "group_interval": "1s"}
dispatcher.use(Routing(build(RouteConfig.model_validate(route))), Inhibitor(()), ())


def alert(name):
    labels = {"alertname": name, "cluster": "orders"}
    return OutAlert(labels=labels, annotations={}, starts_at=1000.0, ends_at=None, updated_at=1000.0)


dispatcher.start()
dispatcher.take([alert(name) for name in names])
deadline = time.monotonic() + 30
while time.monotonic() < deadline and sum(len(entry.firing) for entry in ledger.entries()) < len(names):
    time.sleep(0.01)
time.sleep(0.3)
"""


def live(folder: Path, slack: SlackServer, point: str, *names: str) -> int:
    """One life of the agent, which dies when it has come to that point; its exit code."""
    keys = json.dumps({"bot_token": slack.bot_token, "api": slack.api, "channel": "#alerts"})
    command = [sys.executable, "-c", AGENT, str(folder), keys, point, *names]
    return subprocess.run(command, timeout=120, check=False).returncode


@pytest.mark.parametrize("point", ["begun", "arrived"])
def test_a_group_is_one_message_whenever_the_agent_is_killed(point: str, tmp_path: Path, slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    assert live(tmp_path, slack, point, "A") == -signal.SIGKILL
    assert len(slack.messages(channel)) == (1 if point == "arrived" else 0)
    assert live(tmp_path, slack, "nowhere", "A") == 0
    [message] = slack.messages(channel)
    assert len(slack.called("chat.postMessage")) == 1

    assert live(tmp_path, slack, point, "A", "B") == -signal.SIGKILL
    assert live(tmp_path, slack, "nowhere", "A", "B") == 0
    assert [each.ts for each in slack.messages(channel)] == [message.ts]
    assert len(slack.thread(channel, message.ts)) == 1

    calls = len(slack.calls)
    assert live(tmp_path, slack, "nowhere", "A", "B") == 0
    assert len(slack.calls) == calls


def test_a_group_that_has_changed_after_the_kill_goes_on_in_its_message(tmp_path: Path, slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    assert live(tmp_path, slack, "arrived", "A") == -signal.SIGKILL
    assert live(tmp_path, slack, "nowhere", "A", "B") == 0
    message, reply = slack.messages(channel)
    assert "2 firing" in message.blocks[0]["text"]["text"]
    assert reply.thread_ts == message.ts
