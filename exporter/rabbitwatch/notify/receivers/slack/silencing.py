"""What the buttons "Silence 1 h" and "End silence" do: a silence or its end, an answer in the thread, and the message
says how things are."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from rabbitwatch.config.matchers import Matcher, Matchers, Operator
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.notify.receivers.slack import looks
from rabbitwatch.notify.receivers.slack.answers import Answers, bar_of, text_of, without_buttons
from rabbitwatch.notify.receivers.slack.blocks import Block, context
from rabbitwatch.notify.receivers.slack.buttons import (
    END_SILENCE,
    SILENCE,
    button_for,
    carried_labels,
    carried_silence,
    end_button,
)
from rabbitwatch.notify.receivers.slack.clicks import Click, Handler
from rabbitwatch.notify.receivers.slack.escaping import code, line, when

_log = structlog.get_logger(__name__)

SECONDS = 3600.0
_REMEMBERED = 1000
_MARK = "rabbitwatch_silenced"
_MARK_BUTTON = "rabbitwatch_silenced_until"
_BEFORE = f"{looks.SILENCED.symbol} "
_BUTTONS = frozenset({SILENCE, END_SILENCE})


class SilenceKeeper(Protocol):
    """Who keeps the silences. RabbitwatchError where something is refused."""

    def begin(self, matchers: Matchers, author: str, comment: str, seconds: float) -> str:
        """Make one that begins now, and return its id."""
        ...

    def end(self, silence_id: str) -> tuple[Matchers, bool]:
        """What it silenced, and whether it was ended now; False where it was over already."""
        ...


class SilenceButtons:
    """Answers clicks, one after the other; each button works once."""

    def __init__(self, answers: Answers, keeper: SilenceKeeper, *, now: Callable[[], float] = time.time) -> None:
        self._answers = answers
        self._keeper = keeper
        self._now = now
        self._lock = threading.Lock()
        self._until: dict[tuple[str, str, str], tuple[float, str]] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    def handlers(self) -> Mapping[str, Handler]:
        """By action id."""
        return {SILENCE: self.silence, END_SILENCE: self.end}

    def silence(self, click: Click) -> None:
        """A second click on the same message while its silence lasts does nothing."""
        key = (click.channel, click.message_ts, click.value)
        until = self._now() + SECONDS
        if not self._first(key, until):
            return
        try:
            matchers = tuple(Matcher(name, Operator.EQUAL, each) for name, each in carried_labels(click.value).items())
            silence_id = self._keeper.begin(matchers, click.user, f"Slack: silenced for 1 h by {click.user}", SECONDS)
        except (RabbitwatchError, ValueError) as error:
            self._forget(key)
            _log.warning("a silence from Slack was refused", by=click.user, why=str(error))
            self._answers.reply(click, f"{looks.WARNING.symbol} Not silenced: {line(str(error), 300)}")
            return
        with self._lock:
            self._until[key] = (until, silence_id)
        _log.info("silenced from Slack", by=click.user, silence=silence_id, matchers=[str(each) for each in matchers])
        matched = " ".join(code(str(matcher)) for matcher in matchers)
        self._answers.reply(
            click,
            f"{looks.SILENCED.symbol} {line(click.user, 80)} silenced {matched} for 1 h, until {when(until)}. "
            f"Silence {code(silence_id)}; the button above or `rabbitwatch silence expire` ends it.",
        )
        said = f"{looks.SILENCED.symbol} Silenced until {when(until)} by {line(click.user, 80)}"
        added = [
            {**context(said), "block_id": _MARK},
            {"type": "actions", "block_id": _MARK_BUTTON, "elements": [end_button(silence_id, bar_of(click))]},
        ]
        text = f"{_BEFORE}{text_of(click)}"
        self._answers.edit(click, _unmarked, added, colour=looks.SILENCED.colour, text=text)

    def end(self, click: Click) -> None:
        """A second click does nothing; one on the button of a silence that is over already says so."""
        silence_id = ""
        try:
            silence_id, colour = carried_silence(click.value)
            if not self._first_end(silence_id):
                return
            matchers, now = self._keeper.end(silence_id)
        except (RabbitwatchError, ValueError) as error:
            self._forget_end(silence_id)
            _log.warning("a silence could not be ended from Slack", by=click.user, why=str(error))
            self._answers.reply(click, f"{looks.WARNING.symbol} Not ended: {line(str(error), 300)}")
            return
        by = line(click.user, 80)
        if now:
            _log.info("a silence was ended from Slack", by=click.user, silence=silence_id)
            said = f"{looks.FIRING.symbol} {by} ended the silence {code(silence_id)}: what fires is told again"
        else:
            said = f"{looks.FIRING.symbol} The silence {code(silence_id)} was over already"
        self._answers.reply(click, said)
        button = button_for({each.name: each.value for each in matchers})
        added: list[Block] = [{**context(said), "block_id": _MARK}]
        added += [{"type": "actions", "block_id": _MARK_BUTTON, "elements": [button]}] if button else []
        self._answers.edit(click, _unmarked, added, colour=colour, text=text_of(click).removeprefix(_BEFORE))

    def _first(self, key: tuple[str, str, str], until: float) -> bool:
        with self._lock:
            now = self._now()
            self._until = {each: known for each, known in self._until.items() if known[0] > now}
            if key in self._until:
                return False
            self._until[key] = (until, "")
            return True

    def _forget(self, key: tuple[str, str, str]) -> None:
        with self._lock:
            self._until.pop(key, None)

    def _first_end(self, silence_id: str) -> bool:
        with self._lock:
            if silence_id in self._ended:
                return False
            self._ended[silence_id] = None
            if len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)
            self._until = {key: known for key, known in self._until.items() if known[1] != silence_id}
            return True

    def _forget_end(self, silence_id: str) -> None:
        """It may be tried again."""
        with self._lock:
            self._ended.pop(silence_id, None)


def _unmarked(block: Block) -> Block | None:
    """Without these buttons and what they have said."""
    if block.get("block_id") == _MARK:
        return None
    return without_buttons(block, lambda element: element.get("action_id") in _BUTTONS)
