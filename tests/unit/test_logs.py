from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from rabbitwatch.logs import LogFormat, LogLevel, Trouble, configure, escape_controls
from rabbitwatch.redaction import HIDDEN, Redactor


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def logged(style: LogFormat, *secrets: str, level: LogLevel = LogLevel.INFO) -> io.StringIO:
    out = io.StringIO()
    configure(level, style, redact=Redactor(secrets), stream=out)
    return out


def test_json_is_one_object_a_line_from_our_loggers_and_from_libraries() -> None:
    out = logged(LogFormat.JSON)
    structlog.get_logger("rabbitwatch.agent").info("polled", cluster="orders", took=0.5)
    logging.getLogger("urllib3.pool").warning("retry %d", 3)
    ours, theirs = map(json.loads, out.getvalue().splitlines())
    assert (ours["msg"], ours["level"], ours["cluster"], ours["took"]) == ("polled", "info", "orders", 0.5)
    assert (theirs["msg"], theirs["logger"]) == ("retry 3", "urllib3.pool")


def test_a_library_that_raises_what_it_logs_is_not_heard_twice() -> None:
    out = logged(LogFormat.JSON, level=LogLevel.DEBUG)
    logging.getLogger("pika.adapters.blocking_connection").error("Connection workflow failed")
    assert out.getvalue() == ""


def test_what_is_no_terminal_gets_json_unless_told_otherwise() -> None:
    out = logged(LogFormat.AUTO)
    structlog.get_logger().info("x")
    assert json.loads(out.getvalue())["msg"] == "x"


@pytest.mark.parametrize("style", [LogFormat.JSON, LogFormat.HUMAN])
def test_a_hostile_name_can_neither_start_a_line_nor_command_the_terminal(style: LogFormat) -> None:
    out = logged(style)
    structlog.get_logger().info("queue a\nb\x1b[31m", queue="x\r\n\u202ey\x9b2J", more=["\u2028"])
    assert len(out.getvalue().splitlines()) == 1
    assert not set(out.getvalue()[:-1]) & set("\n\r\x1b\x9b\u202e\u2028")


@pytest.mark.parametrize("style", [LogFormat.JSON, LogFormat.HUMAN])
def test_a_traceback_is_logged_without_the_secrets_in_it(style: LogFormat) -> None:
    out = logged(style, "hunter2")
    try:
        int("GET http://bob:hunter2@rabbit1 failed: hunter2")
    except ValueError:
        structlog.get_logger().exception("failed", headers={"Authorization": "Basic Ym9iOmh1bnRlcjI="})
    text = out.getvalue()
    assert "ValueError" in text
    assert HIDDEN in text
    assert "hunter2" not in text


def test_libraries_talk_only_when_something_is_wrong() -> None:
    out = logged(LogFormat.JSON)
    logging.getLogger("apscheduler.executors").info("Running job")
    logging.getLogger("uvicorn.error").info("Started server process")
    assert out.getvalue() == ""


def test_the_level_is_heeded() -> None:
    out = logged(LogFormat.JSON, level=LogLevel.WARN)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [json.loads(line)["msg"] for line in out.getvalue().splitlines()] == ["loud"]


def test_configured_twice_a_line_is_still_logged_once() -> None:
    logged(LogFormat.JSON)
    out = logged(LogFormat.JSON)
    structlog.get_logger().info("once")
    assert len(out.getvalue().splitlines()) == 1


def test_the_redactor_hides_secrets_and_leaves_ordinary_words() -> None:
    redact = Redactor(["hunter2", "guest", "abc", 'a"b\\c'])
    assert redact("hunter2 and abc") == f"{HIDDEN} and abc"
    assert redact("user guest") == "user guest"
    assert redact(repr('a"b\\c')) == f"'{HIDDEN}'"
    assert redact("amqp://bob:pw@host/ ok") == f"amqp://bob:{HIDDEN}@host/ ok"
    assert redact("Authorization: Bearer abc.def") == f"Authorization: Bearer {HIDDEN}"
    redact.know(["other secret"])
    assert redact("hunter2 other secret") == f"hunter2 {HIDDEN}"


def test_escaping_leaves_letters_of_all_scripts_alone() -> None:
    assert escape_controls("größe 🐇 кролик") == "größe 🐇 кролик"
    assert escape_controls("a\tb\ud800") == r"a\tb\ud800"


def test_a_trouble_is_told_when_it_begins_changes_and_ends() -> None:
    told: list[str] = []
    trouble = Trouble(told.append, lambda: told.append("over"))
    for why in ("", "full", "full", "gone", "", "", "full"):
        trouble.is_now(why)
    assert told == ["full", "gone", "over", "full"]
    assert trouble.why == "full"


def test_that_something_is_well_for_the_first_time_is_told_where_that_was_not_known() -> None:
    told: list[str] = []
    trouble = Trouble(told.append, lambda: told.append("well"), why="not asked yet")
    trouble.is_now("")
    assert told == ["well"]
