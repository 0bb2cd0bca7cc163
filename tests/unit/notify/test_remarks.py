"""What is said about alerts: kept within bounds, put onto them, and still there after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.notices import NOW, alert

from rabbitwatch.errors import StorageError
from rabbitwatch.model.notice import OutAlert, is_remark, news
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.remarks import ForgetfulRemarkStore, RemarkBoard, RemarkLimits, approval_url
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.remarks import SqliteRemarks

ALERT = alert()


def remark(said: str, /, *, at: float = NOW, loud: bool = True, text: str | None = None, approval: str = "") -> Remark:
    return Remark(id=said, at=at, text=said if text is None else text, loud=loud, approval=approval)


def action(board: RemarkBoard, about: OutAlert = ALERT) -> str | None:
    return board.on(about).annotations.get("action")


def ids(remarks: Sequence[Remark]) -> list[str]:
    return [each.id for each in remarks]


def test_an_alert_of_which_nothing_is_said_stays_the_very_same() -> None:
    board = RemarkBoard()
    board.post("another", remark("x"))
    assert board.on(ALERT) is ALERT


def test_the_latest_loud_text_is_the_annotation_and_every_loud_one_is_news() -> None:
    board = RemarkBoard()
    board.post(ALERT.fingerprint, remark("b", at=NOW + 2))
    board.post(ALERT.fingerprint, remark("a", at=NOW + 1))
    board.post(ALERT.fingerprint, remark("by the way", at=NOW + 3, loud=False))
    told = board.on(ALERT)
    assert told.annotations == {**ALERT.annotations, "action": "b"}
    assert told.fingerprint == ALERT.fingerprint
    assert ids(told.remarks) == ["a", "b"]
    assert ids(board.of(ALERT.fingerprint)) == ["a", "b", "by the way"]


def test_one_that_is_over_keeps_the_annotation_and_asks_for_nothing() -> None:
    board = RemarkBoard()
    board.post(ALERT.fingerprint, remark("a", approval="q"))
    ended = board.on(replace(ALERT, ends_at=NOW))
    assert ended.annotations["action"] == "a"
    assert ended.remarks == ()


def test_what_was_said_of_a_former_time_that_it_fired_is_not_said_again() -> None:
    board = RemarkBoard()
    board.post(ALERT.fingerprint, remark("a"))
    assert action(board, replace(ALERT, starts_at=NOW + 30)) == "a", "agents of a pair differ by so much"
    assert action(board, replace(ALERT, starts_at=NOW + 90)) is None


def test_the_same_id_takes_its_place_and_the_same_words_are_no_news_at_all() -> None:
    heard: list[str] = []
    board = RemarkBoard()
    board.listen(lambda _, each: heard.append(each.text))
    for text in ("one", "one", "two"):
        board.post(ALERT.fingerprint, remark("a", text=text))
    assert heard == ["one", "two"]
    assert ids(board.of(ALERT.fingerprint)) == ["a"]
    assert action(board) == "two"


def test_lines_stay_and_what_moves_the_cursor_is_spelt_out_and_long_texts_are_cut() -> None:
    board = RemarkBoard(limits=RemarkLimits(text=20))
    board.post(ALERT.fingerprint, remark("a", text="\n1\n\x1b[2J\u202e"))
    assert action(board) == "1\n\\x1b[2J\\u202e"
    board.post(ALERT.fingerprint, remark("b", at=NOW + 1, text="x" * 50))
    assert action(board) == "x" * 19 + "…"


def test_it_does_not_grow_without_end_and_lets_go_of_quiet_ones_first() -> None:
    board = RemarkBoard(limits=RemarkLimits(alerts=2, each=3))
    for number in range(5):
        board.post("a", remark(f"loud {number}", at=NOW + number))
        board.post("a", remark(f"quiet {number}", at=NOW + number + 0.5, loud=False))
    assert ids(board.of("a")) == ["loud 2", "loud 3", "loud 4"]
    for fingerprint in ("b", "a", "c"):
        board.post(fingerprint, remark("new", at=NOW + 9))
    assert [bool(board.of(each)) for each in "abc"] == [True, False, True]


def test_what_is_said_of_an_alert_that_is_gone_is_forgotten_after_a_while() -> None:
    board = RemarkBoard()
    for fingerprint in ("here", "gone"):
        board.post(fingerprint, remark("a"))
    board.keep({"here"}, NOW + 899)
    assert board.of("gone"), "whoever posts may see the alert first"
    board.keep({"here"}, NOW + 901)
    assert not board.of("gone")
    assert board.of("here")


def test_loud_ones_outlive_a_restart(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    board = RemarkBoard(SqliteRemarks(database))
    board.post("a", remark("1", approval="q"))
    board.post("a", remark("2", at=NOW + 1))
    board.post("a", remark("quiet", at=NOW + 2, loud=False))
    board.post("b", remark("3"))
    board.post("c", remark("4"))
    board.keep({"a", "b"}, NOW + 1000)
    again = RemarkBoard(SqliteRemarks(database))
    assert again.of("a") == (remark("1", approval="q"), remark("2", at=NOW + 1))
    assert ids(again.of("b")) == ["3"]
    assert not again.of("c")


def test_what_cannot_be_read_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    RemarkBoard(SqliteRemarks(database)).post("a", remark("1"))
    with database.transaction() as connection:
        connection.execute("INSERT INTO remarks (fingerprint, remarks) VALUES ('b', '{')")
    with capture_logs() as logs:
        again = RemarkBoard(SqliteRemarks(database))
    assert again.of("a")
    assert not again.of("b")
    assert [line["alert"] for line in logs] == ["b"]


def test_a_full_disk_is_told_once_and_keeps_nobody_from_speaking() -> None:
    class Full(ForgetfulRemarkStore):
        def save(self, fingerprint: str, remarks: Sequence[Remark]) -> None:
            raise StorageError("the disk is full")

    board = RemarkBoard(Full())
    with capture_logs() as logs:
        for number in range(3):
            board.post(ALERT.fingerprint, remark(str(number), at=NOW + number))
    assert action(board) == "2"
    assert [line["why"] for line in logs] == ["the disk is full"]


def test_a_pair_takes_over_what_is_new_and_only_that() -> None:
    one, other = RemarkBoard(), RemarkBoard()
    heard: list[str] = []
    other.listen(lambda _, each: heard.append(each.id))
    one.post("a", remark("1"))
    one.post("a", remark("2", at=NOW + 5))
    one.post("a", remark("quiet", at=NOW + 6, loud=False))
    one.post("a", remark("3", at=NOW + 7, approval="q"))
    for _ in range(2):
        other.merge(one.loud())
    assert heard == ["1", "2", "3"]
    one.post("a", remark("3", at=NOW + 7, text="answered"))
    for _ in range(2):
        other.merge(one.loud())
    assert heard == ["1", "2", "3", "3"]
    assert [each.text for each in other.of("a")] == ["1", "2", "answered"]
    one.merge([("a", remark("3", at=NOW + 7, approval="q"))])
    assert one.of("a")[2].approval == "", "what the other has not heard yet does not ask again"


def test_a_remark_is_told_from_a_fingerprint() -> None:
    board = RemarkBoard()
    board.post(ALERT.fingerprint, remark("a"))
    from_both = _news(board.on(ALERT))
    assert {each for each in from_both if not is_remark(each)} == {ALERT.fingerprint}
    assert len(from_both) == 2
    other = alert(queue="q")
    board.post(other.fingerprint, remark("a"))
    assert len(from_both | _news(board.on(other))) == 4, "the same remark about another alert is another"


def _news(about: OutAlert) -> frozenset[str]:
    from_notice, _ = news([about])
    return from_notice


@pytest.mark.parametrize(
    ("agent", "approval", "url"),
    [
        ("https://a.example/", "x", "https://a.example/actions/approvals/x"),
        ("https://a.example/rabbitwatch", "a/../b", "https://a.example/rabbitwatch/actions/approvals/a%2F..%2Fb"),
        ("", "x", ""),
        ("https://a.example", "", ""),
    ],
)
def test_where_an_approval_is_asked_for(agent: str, approval: str, url: str) -> None:
    assert approval_url(agent, approval) == url
