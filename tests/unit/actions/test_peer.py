"""The other agent of a pair: what it has repaired counts here too, its pause holds here too, whatever it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs
from tests.support.actions import BEGIN, Clock
from tests.support.fakebroker import Answer, FakeBroker, HangUp, as_json, html
from tests.support.peers import says

from rabbitwatch.actions.peer import PATH, SILENT_SECONDS, PeerRepairs, Told
from rabbitwatch.actions.ports import Pause
from rabbitwatch.config.notices import PeerConfig
from rabbitwatch.model.action import Deed, Outcome
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.peer import SqlitePeerStore

DAY = 86400.0
DONE = Deed(
    id="d1", key=("orders", "sync_queue", "/", False, "q"), at=BEGIN - 60, outcome=Outcome.DONE, by="RabbitMQMirrorsLag"
)
OPEN = Deed(id="d2", key=("orders", "apply_policy", "\x1b ", True, "ha"), at=BEGIN - 30, outcome=Outcome.REQUESTED)
PAUSE = Pause("ann", BEGIN - 10)


class World:
    """This agent's side, over a database that a restart keeps."""

    def __init__(self, other: FakeBroker, folder: Path) -> None:
        self.other = other
        self.clock = Clock()
        self.database = Database.open(folder)
        self.again()

    def again(self, **settings: Any) -> None:
        """As after a restart."""
        config = PeerConfig.model_validate({"url": self.other.url, "position": 0, **settings})
        self.peer = PeerRepairs(config, SqlitePeerStore(self.database), self.clock)

    def heard(self, reaction: Any, since: float = 0.0) -> list[Deed]:
        self.other.serve(PATH, reaction)
        self.peer.ask(DAY)
        return list(self.peer.deeds(since))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with FakeBroker() as other:
        made = World(other, tmp_path)
        yield made
        made.database.close()


def test_what_the_other_has_done_arrives_as_it_was(world: World) -> None:
    assert world.peer.unknown == "it has not been asked yet"
    assert world.heard(says(DONE, OPEN)) == [OPEN, DONE]
    assert world.peer.unknown == ""
    assert world.heard(says(DONE), since=BEGIN - 45) == [OPEN]


def test_the_first_question_is_for_all_that_guards_look_back_at(world: World) -> None:
    world.heard(says(DONE))
    assert world.other.calls[0][0] == f"{PATH}?since={BEGIN - DAY:.3f}"


def test_later_ones_are_for_what_may_be_new_or_may_have_ended(world: World) -> None:
    old = replace(OPEN, at=BEGIN - 7200)
    world.heard(says(DONE, old))
    world.heard(says(replace(old, outcome=Outcome.DONE)))
    world.heard(says())
    asked = [path for path, _ in world.other.calls]
    assert asked[1:] == [f"{PATH}?since={BEGIN - 7200 - 3600:.3f}", f"{PATH}?since={BEGIN - 60 - 3600:.3f}"]
    assert {deed.outcome for deed in world.peer.deeds(0.0)} == {Outcome.DONE}


def test_a_clock_that_is_set_back_hides_nothing(world: World) -> None:
    world.heard(says(DONE))
    world.peer.ask(DAY)
    (_, query) = world.other.calls[-1][0].split("since=")
    assert float(query) <= DONE.at - 3600


def test_what_no_guard_looks_back_at_is_forgotten(world: World) -> None:
    world.heard(says(replace(DONE, at=BEGIN - DAY + 5)))
    world.clock.pass_(10)
    assert world.heard(says(OPEN)) == [OPEN]


def test_a_silent_one_follows_nothing_any_more(world: World) -> None:
    world.heard(says(DONE, OPEN))
    world.clock.pass_(SILENT_SECONDS - 1)
    found = world.heard(HangUp())
    assert [deed.outcome for deed in found] == [Outcome.REQUESTED, Outcome.DONE]
    world.clock.pass_(1)
    assert [deed.outcome for deed in world.peer.deeds(0.0)] == [Outcome.TIMED_OUT, Outcome.DONE]
    assert "closed the connection" in world.peer.unknown


def test_a_restart_forgets_nothing(world: World) -> None:
    world.heard(says(DONE, OPEN, pause=PAUSE))
    world.again()
    assert [deed.outcome for deed in world.peer.deeds(0.0)] == [Outcome.TIMED_OUT, Outcome.DONE]
    assert "paused by ann since 2027-01-15 " in world.peer.paused
    world.peer.ask(DAY)
    assert [deed.outcome for deed in world.peer.deeds(0.0)] == [Outcome.REQUESTED, Outcome.DONE]
    assert world.other.calls[-1][0] == world.other.calls[0][0], "what was missed meanwhile"


def test_its_pause_holds_here_until_it_is_ended_there(world: World) -> None:
    world.heard(says(pause=PAUSE))
    assert world.peer.paused == (
        "paused by ann since 2027-01-15 07:59:50 UTC at the other agent of the pair: resume it there"
    )
    assert not world.peer.resumable
    world.peer.resume()
    assert world.peer.paused != ""
    world.heard(says())
    assert world.peer.paused == ""


def test_the_pause_of_a_silent_one_is_ended_here(world: World) -> None:
    world.heard(says(pause=PAUSE))
    world.clock.pass_(SILENT_SECONDS)
    assert world.peer.paused.endswith("at the other agent of the pair: it answers no more, so it can be resumed here")
    assert world.peer.resumable
    world.peer.resume()
    assert (world.peer.paused, world.peer.resumable) == ("", False)


@pytest.mark.parametrize(
    ("reaction", "why"),
    [
        (Answer(b'{"status":"error"}', 404), "status 404: is this address really the other agent's?"),
        (Answer(b"{}", 401), "notify.peer needs a user of the other agent's web configuration"),
        (html(), "answered with text/html, not json"),
        (b'{"status":"success"}', "answers what no rabbitwatch says"),
        (b'{"data":{"deeds":{}}}', "answers what no rabbitwatch says"),
        (b'{"data":{"deeds":[{"id":"x"}]}}', "answers what no rabbitwatch says"),
        (as_json({"data": {"deeds": [], "pause": {"by": "x", "at": 1e300}}}), "answers what no rabbitwatch says"),
        (b"[" * 100_000, "answers what no rabbitwatch says"),
    ],
)
def test_what_cannot_be_used_loses_nothing_and_is_told_once(world: World, reaction: Any, why: str) -> None:
    world.heard(says(DONE, pause=PAUSE))
    world.again(username="watch", password="peer-secret")
    with capture_logs() as logs:
        assert world.heard(reaction) == [DONE]
        world.peer.ask(DAY)
    assert why in world.peer.unknown
    assert "\n" not in world.peer.unknown
    assert "paused by ann" in world.peer.paused
    assert [line["log_level"] for line in logs] == ["warning"]
    assert "peer-secret" not in str(logs)


def test_an_end_of_a_later_version_is_one_that_nobody_here_can_judge(world: World) -> None:
    told = msgspec.to_builtins(Told.of([DONE], None))
    told["deeds"][0] |= {"outcome": "half done", "colour": "new"}
    assert [deed.outcome for deed in world.heard(as_json({"data": told}))] == [Outcome.REQUESTED]


def test_without_another_agent_nothing_is_asked_and_nothing_unknown(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    alone = PeerRepairs(None, SqlitePeerStore(database), Clock())
    alone.ask(DAY)
    assert (alone.unknown, alone.deeds(0.0), alone.paused) == ("", [], "")
    database.close()
