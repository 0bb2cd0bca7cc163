"""kill -9 at every point of a notice's way, with a real process, the real database and a real receiver.

Nothing is lost, what was confirmed and written down is never told twice, and where the two coincide the receiver sees
the same id.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.support.webhookserver import Post, WebhookServer

AGENT = """
import os
import signal
import sys
import time
from pathlib import Path

from rabbitwatch.config.models import Config
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

folder, url, point, after, names = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:]
countdown = {point: after}


def reached(here):
    if here in countdown:
        countdown[here] -= 1
        if countdown[here] == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Store(SqliteDeliveries):
    def begin(self, attempt):
        reached("before begin")
        super().begin(attempt)
        reached("after begin")

    def confirmed(self, attempt, entry, told=()):
        reached("before confirmed")
        super().confirmed(attempt, entry, told)
        reached("after confirmed")


config = ReceiverConfig.model_validate({"name": "hook", "webhook_configs": [{"url": url, "max_per_minute": 100000}]})
ledger = Ledger(Store(Database.open(folder)))
deliver = Deliver(ledger, Record(ledger, lambda _: None, time.time))
dispatcher = Dispatcher(deliver, time.time)
deliver.use(integrations([config], Tools()), "")
route = {"receiver": "hook", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
dispatcher.use(Routing(build(RouteConfig.model_validate(route))), Inhibitor(()), ())


def alert(name):
    return OutAlert(labels={"alertname": name}, annotations={}, starts_at=1000.0, ends_at=None, updated_at=1000.0)


dispatcher.start()
dispatcher.take([alert(name) for name in names])
deadline = time.monotonic() + 30
while time.monotonic() < deadline and sum(len(entry.firing) for entry in ledger.entries()) < len(names):
    time.sleep(0.01)
time.sleep(0.3)
"""


def run(folder: Path, url: str, point: str, after: int, *names: str) -> int:
    """One life of the agent, which dies when it has come to that point so many times; its exit code."""
    command = [sys.executable, "-c", AGENT, str(folder), url, point, str(after), *names]
    return subprocess.run(command, timeout=120, check=False).returncode


def told(posts: list[Post]) -> list[tuple[str, str]]:
    """The alert of each message, and the id it came with; a kill in the middle of one leaves none."""
    whole = [post for post in posts if len(post.body) == int(post.headers["content-length"])]
    return [(post.json()["alerts"][0]["labels"]["alertname"], post.headers["idempotency-key"]) for post in whole]


@pytest.mark.parametrize(
    ("point", "messages"), [("before begin", 0), ("after begin", 0), ("before confirmed", 1), ("after confirmed", 1)]
)
def test_a_kill_at_each_point_of_one_notice(point: str, messages: int, tmp_path: Path) -> None:
    with WebhookServer() as server:
        assert run(tmp_path, server.url, point, 1, "A") == -signal.SIGKILL
        assert len(server.posts) == messages
        assert run(tmp_path, server.url, "nowhere", 0, "A") == 0
        seen = told(server.posts)
        assert {name for name, _ in seen} == {"A"}, "lost"
        assert len({attempt for _, attempt in seen}) == 1
        assert len(seen) == (2 if point == "before confirmed" else 1)
        assert run(tmp_path, server.url, "nowhere", 0, "A") == 0
        assert told(server.posts) == seen, "told again though it was written down"


def test_kills_among_many_notices_lose_none_and_double_only_the_one_in_doubt(tmp_path: Path) -> None:
    names = [f"A{number:02}" for number in range(40)]
    doubtful = 0
    with WebhookServer() as server:
        for point, after in (
            ("after begin", 7),
            ("before confirmed", 5),
            ("after confirmed", 9),
            ("before confirmed", 8),
        ):
            assert run(tmp_path, server.url, point, after, *names) == -signal.SIGKILL
            doubtful += point == "before confirmed"
        assert run(tmp_path, server.url, "nowhere", 0, *names) == 0
        seen = told(server.posts)
        counts = Counter(name for name, _ in seen)
        assert set(counts) == set(names)
        # the lane may be one message ahead of what is written down, and no further
        assert sum(counts.values()) - len(names) <= doubtful + 2
        assert len(set(seen)) == len(names), "a double came with the id of the first"


def test_a_kill_at_any_moment(tmp_path: Path) -> None:
    names = [f"A{number:02}" for number in range(60)]
    with WebhookServer() as server:
        for delay in (0.02, 0.1, 0.05):
            began = len(server.posts)
            command = [sys.executable, "-c", AGENT, str(tmp_path), server.url, "nowhere", "0", *names]
            process = subprocess.Popen(command)
            deadline = time.monotonic() + 60
            while len(server.posts) == began and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(delay)
            process.kill()
            process.wait()
        assert run(tmp_path, server.url, "nowhere", 0, *names) == 0
        seen = told(server.posts)
        assert {name for name, _ in seen} == set(names)
        assert len(seen) - len(names) <= 3, "at most the one under way at each kill"
        assert len(set(seen)) == len(names)
