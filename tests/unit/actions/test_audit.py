from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.audits import ANSWERS, NOW, RULE, STEP, Bench, bench

from rabbitwatch.actions.audit import BROKEN, MENDED, Audit
from rabbitwatch.actions.chain import Head
from rabbitwatch.actions.ports import Entry
from rabbitwatch.actions.record import LONGEST_LINE, document, entry_of, line_of
from rabbitwatch.errors import StorageError
from rabbitwatch.model.action import Cause, Outcome, Reply, Target
from rabbitwatch.redaction import Redactor
from rabbitwatch.storage.actions import SqliteAudit

DAMAGES = ("removed", "changed", "reordered", "inserted", "repeated", "unreadable", "number only")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        yield found


@pytest.fixture
def ten(made: Bench) -> Bench:
    for number in range(5):
        made.deed(f"d{number}")
    assert made.audit.verify().sound
    return made


def problems(audit: Audit) -> Sequence[str]:
    verdict = audit.verify()
    assert verdict.sound == (not verdict.problems)
    return verdict.problems


def events(made: Bench) -> list[str]:
    return [json.loads(line)["event"] for line in made.lines]


def damaged(lines: list[str], how: str) -> list[str]:
    """The fifth of ten lines is meddled with."""
    before, it, after = lines[:4], lines[4], lines[5:]
    forged = forge(it, number=6, previous=json.loads(it)["hash"])
    return {
        "removed": [*before, *after],
        "changed": [*before, it.replace("jobs", "JOBS", 1), *after],
        "reordered": [*before, after[0], it, *after[1:]],
        "inserted": [*before, it, forged, *after],
        "repeated": [*before, it, it, *after],
        "unreadable": [*before, it[:40], *after],
        "number only": [*before, forge(it, number=50), *after],
    }[how]


def forge(line: str, **changes: object) -> str:
    """A line whose own hash fits."""
    body = {key: value for key, value in json.loads(line).items() if key != "hash"} | changes
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return f'{text[:-1]},"hash":"{hashlib.sha256(text.encode()).hexdigest()}"}}'


def test_an_entry_is_in_both_copies_when_record_returns(made: Bench) -> None:
    entry = made.audit.record(
        "ended",
        RULE,
        deed="d1",
        step=STEP,
        target=Target("orders", vhost="/"),
        answers=ANSWERS,
        reply=Reply(status=None, reason="no answer within 10 s"),
        before={"messages": 12},
        after={},
        outcome=Outcome.TIMED_OUT,
        text="gave up",
    )
    (line,) = made.lines
    assert made.rows == [line]
    (read,) = made.store.entries()
    assert document(read) == document(entry) == json.loads(line)
    assert (read.number, read.at, read.agent, read.deed, read.event) == (1, NOW, "monitor", "d1", "ended")
    assert (read.cause, read.step, read.target, tuple(read.answers)) == (RULE, STEP, Target("orders", "/"), ANSWERS)
    assert (read.reply, read.before, read.after) == (entry.reply, {"messages": 12}, {})
    assert (read.outcome, read.text) == (Outcome.TIMED_OUT, "gave up")
    assert made.audit.head == Head(1, read.hash)


def test_a_line_can_be_checked_with_sed_and_sha256sum(ten: Bench) -> None:
    script = r"""
    before=
    while IFS= read -r line; do
        stated=$(printf %s "$line" | sed 's/.*,"hash":"\([0-9a-f]*\)"}$/\1/')
        due=$(printf %s "$line" | sed 's/,"hash":"[0-9a-f]*"}$/}/' | sha256sum | cut -d' ' -f1)
        [ "$stated" = "$due" ] || echo "changed: $line"
        case $line in *"\"previous\":\"$before\""*) ;; *) [ -z "$before" ] || echo "does not follow: $line" ;; esac
        before=$stated
    done
    """
    text = ten.file.read_text(encoding="ascii")
    checked = subprocess.run(["/bin/sh", "-c", script], input=text, capture_output=True, text=True, check=True)
    assert checked.stdout == ""
    changed = subprocess.run(
        ["/bin/sh", "-c", script], input=text.replace("jobs", "Jobs", 1), capture_output=True, text=True, check=True
    )
    assert changed.stdout.startswith("changed: ")


def test_what_is_served_can_be_checked_too(ten: Bench) -> None:
    served = json.loads(json.dumps([document(each) for each in ten.store.entries()]))
    assert [line_of(each) for each in served] == ten.lines


def test_the_file_is_for_the_owner_only(made: Bench) -> None:
    made.audit.record("planned", RULE)
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("where", ["file", "database"])
def test_what_was_done_to_one_copy_is_found(ten: Bench, how: str, where: str) -> None:
    if where == "file":
        ten.write(damaged(ten.lines, how))
    else:
        rows = damaged(ten.rows, how)
        ten.sql("DELETE FROM action_audit")
        for number, line in enumerate(rows, start=1):
            ten.sql("INSERT INTO action_audit (number, line) VALUES (?, ?)", number, line)
    (first, *_) = problems(ten.audit)
    assert ("audit.jsonl, line" if where == "file" else "the database, row") in first
    expected = {
        "removed": "entry 5 is missing before entry 6",
        "changed": "entry 5 was changed",
        "reordered": "entry 5 is missing before entry 6",
        "inserted": "entry 6",
        "repeated": "entry 5 stands after entry 5",
        "unreadable": "5: cannot be read",
        "number only": "entries 5 to 49 are missing",
    }[how]
    assert any(expected in each for each in problems(ten.audit)), problems(ten.audit)


def test_a_forged_entry_does_not_fit_the_next(ten: Bench) -> None:
    lines = ten.lines
    lines[4] = forge(lines[4], text="all was well")
    ten.write(lines)
    assert f"{ten.file}, line 6: entry 6 does not follow the entry 5 that stands before it" in problems(ten.audit)


def test_one_that_was_forged_in_both_copies_is_found_by_the_next(ten: Bench) -> None:
    lines = ten.lines
    lines[4] = forge(lines[4], text="all was well")
    ten.write(lines)
    ten.sql("UPDATE action_audit SET line = ? WHERE number = 5", lines[4])
    assert [each.partition(": ")[2] for each in problems(ten.audit)] == [
        "entry 6 does not follow the entry 5 that stands before it"
    ] * 2


def test_a_truncated_copy_is_found_by_the_other(ten: Bench) -> None:
    whole = ten.lines
    ten.write(whole[:7])
    assert problems(ten.audit) == (f"{ten.file}: lacks entry 8 and 2 more, which the database has",)
    ten.write(whole)
    ten.sql("DELETE FROM action_audit WHERE number = 10")
    assert problems(ten.audit) == (f"the database: lacks entry 10, which {ten.file} has",)


def test_truncation_of_both_shows_in_the_head_alone(ten: Bench) -> None:
    head = ten.audit.head
    assert head is not None
    ten.write(ten.lines[:8])
    ten.sql("DELETE FROM action_audit WHERE number > 8")
    verdict = ten.audit.verify()
    assert verdict.sound
    assert verdict.head.number == 8 < head.number
    assert verdict.head.figure != head.figure == int(head.hash[:12], 16) < 2**53


def test_the_head_is_logged_at_a_start(ten: Bench) -> None:
    with capture_logs() as logs:
        ten.again().begin()
    (line,) = [each for each in logs if each["event"] == "the audit's head"]
    assert (line["number"], line["hash"], line["sound"]) == (10, json.loads(ten.lines[-1])["hash"], True)
    assert len(ten.lines) == 10


def test_a_half_written_last_line_is_cut_and_that_is_recorded(ten: Bench) -> None:
    with ten.file.open("a") as opened:
        opened.write('{"agent":"monitor","answers":[{"gu')
    ten.again().begin()
    assert problems(ten.audit) == ()
    assert events(ten)[10:] == [MENDED]
    assert "half a line of 34 bytes" in json.loads(ten.lines[-1])["text"]
    assert ten.lines == ten.rows


def test_an_entry_that_the_database_lacks_is_added_and_that_is_recorded(ten: Bench) -> None:
    ten.sql("DELETE FROM action_audit WHERE number IN (3, 10)")
    ten.again().begin()
    assert problems(ten.audit) == ()
    assert events(ten)[10:] == [MENDED]
    assert json.loads(ten.lines[-1])["text"] == "2 entries of the file were not in the database, and were added to it"
    assert ten.lines == ten.rows


def test_a_lost_database_comes_back_from_the_file(tmp_path: Path) -> None:
    with bench(tmp_path / "old") as old:
        for number in range(3):
            old.deed(f"d{number}", Outcome.STALLED)
    with bench(tmp_path / "new") as new:
        shutil.copy(old.file, new.file)
        new.audit.begin()
        assert [deed.outcome for deed in new.store.deeds(0)] == [Outcome.STALLED] * 3
        assert new.audit.verify().sound


def test_a_file_that_is_gone_or_cut_comes_back_from_the_database(ten: Bench) -> None:
    whole = ten.lines
    ten.write(whole[:6])
    ten.audit.record("planned", RULE)
    assert ten.lines[:10] == whole
    assert events(ten)[10:] == [MENDED, "planned"]
    ten.file.rename(ten.file.with_suffix(".old"))
    ten.audit.record("planned", RULE)
    assert ten.lines[:10] == whole
    assert events(ten)[10:] == [MENDED, "planned", MENDED, "planned"]
    assert problems(ten.audit) == ()


def test_what_is_broken_is_recorded_once_and_the_chain_goes_on(ten: Bench) -> None:
    ten.write(damaged(ten.lines, "removed"))
    for _ in range(3):
        with capture_logs() as logs:
            verdict = ten.again().begin()
        assert not verdict.sound
        assert any(each["event"] == "the audit is broken" and each["log_level"] == "error" for each in logs)
    told = [json.loads(line)["text"] for line in ten.lines if json.loads(line)["event"] == BROKEN]
    assert told == [
        f"{ten.file}, line 5: entry 5 is missing before entry 6",
        f"{ten.file}: lacks entry 5, which the database has",
    ]
    assert list(ten.audit.problems) == told
    entry = ten.audit.record("planned", RULE)
    assert entry.number == 13
    # moved away, the file is written again from the database, and all is whole
    ten.file.rename(ten.file.with_suffix(".evidence"))
    assert ten.again().begin().sound
    assert ten.audit.problems == ()


def test_reordered_files_do_not_lead_the_head_back(ten: Bench) -> None:
    ten.write([*ten.lines, ten.lines[2]])
    ten.again().begin()
    entry = ten.audit.record("planned", RULE)
    assert ten.audit.head == Head(entry.number, entry.hash)
    assert entry.number > 10


@pytest.mark.parametrize("what", ["a folder", "a pipe", "a log", "missing folder", "a device"])
def test_what_cannot_be_an_audit_is_refused_in_one_line(tmp_path: Path, what: str) -> None:
    path = tmp_path / "there"
    match what:
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "a log":
            path.write_text("2026-01-01 started\n2026-01-02 stopped\n")
        case "missing folder":
            path = tmp_path / "none" / "there"
        case _:
            path = Path("/dev/null")
    with bench(tmp_path / "storage") as made:
        audit = Audit(made.store, path, "monitor", lambda: NOW)
        for attempt in (audit.begin, lambda: audit.record("planned", RULE)):
            with pytest.raises(StorageError, match=r"actions\.audit_file$") as refused:
                attempt()
            assert str(refused.value).startswith(f"{path}: ")
            assert "\n" not in str(refused.value)
        assert made.rows == []
    if what == "a log":
        assert path.read_text() == "2026-01-01 started\n2026-01-02 stopped\n"


def test_two_agents_cannot_write_one_file(made: Bench, tmp_path: Path) -> None:
    made.audit.begin()
    with bench(tmp_path / "other") as other:
        second = Audit(other.store, made.file, "other", lambda: NOW)
        with pytest.raises(StorageError, match="another rabbitwatch writes its audit here"):
            second.record("planned", RULE)
        assert other.rows == []


class Failing(SqliteAudit):
    """A database that fails when it is told to."""

    failing = False

    def append(self, entry: Entry) -> None:
        if self.failing:
            raise StorageError("disk I/O error")
        super().append(entry)


def test_an_error_of_the_database_lets_nothing_follow_and_is_mended(made: Bench) -> None:
    store = Failing(made.database)
    audit = Audit(store, made.file, "monitor", lambda: NOW)
    audit.record("planned", RULE, text="first")
    store.failing = True
    for _ in range(3):
        with pytest.raises(StorageError, match="disk I/O error"):
            audit.record("requested", RULE, text="second")
    store.failing = False
    audit.record("planned", RULE, text="third")
    assert audit.verify().sound
    assert made.lines == made.rows
    assert events(made)[0] == "planned"
    assert events(made)[-2:] == [MENDED, "planned"]
    audit.close()


def test_a_full_disk_lets_nothing_follow_and_leaves_no_half_line(made: Bench) -> None:
    made.deed("d1")
    before = made.lines
    script = """
import resource, signal, sys
from pathlib import Path
from tests.support.audits import RULE, bench
from rabbitwatch.errors import StorageError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
with bench(folder) as made:
    made.audit.begin()
    made.database.close()
    made.store.append = lambda entry: sys.exit("was reached")
    size = made.file.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))
    try:
        made.audit.record("planned", RULE)
    except StorageError as error:
        print(error)
"""
    made.audit.close()
    made.database.close()
    done = subprocess.run(
        [sys.executable, "-c", script, str(made.folder)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert "the audit cannot be written (File too large), and nothing is done without it" in done.stdout
    assert made.lines == before
    assert made.file.read_bytes().endswith(b"\n")


def test_kill_9_anywhere_leaves_a_chain_that_can_be_mended(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from tests.support.audits import bench
with bench(Path(sys.argv[1])) as made:
    made.audit.begin()
    number = 0
    while True:
        number += 1
        made.deed(f"d{number}")
        print("whole", number, flush=True)
"""
    told = 0
    for life in range(6):
        agent = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert agent.stdout is not None
        heard = 0
        while heard < 5 + 3 * life:
            heard += agent.stdout.readline().startswith("whole")
        agent.send_signal(signal.SIGKILL)
        told += heard + sum(line.startswith("whole") and line.endswith("\n") for line in agent.stdout)
        agent.wait()
    with bench(tmp_path) as made:
        assert made.audit.begin().sound
        assert made.lines == made.rows
        ended = [json.loads(line) for line in made.lines if json.loads(line)["event"] == "ended"]
        assert told <= len(ended) <= told + 6
        assert BROKEN not in events(made)


def test_many_threads_make_one_chain(made: Bench) -> None:
    def work(name: str) -> None:
        for number in range(20):
            made.audit.record("planned", RULE, text=f"{name} {number}")

    threads = [threading.Thread(target=work, args=(str(each),)) for each in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems(made.audit) == ()
    assert [entry_of(line).number for line in made.lines] == list(range(1, 121))


def test_hostile_values_stay_data(made: Bench) -> None:
    name = 'a"\n{"number":9}\r\x1b[2J\u202e\x00\x7f\ud800🐇'
    made.audit.record("planned", Cause(source="rule", alert=name, labels={name: name}), text=name)
    assert len(made.lines) == 1
    assert made.lines[0].isprintable()
    (entry,) = made.store.entries()
    assert entry.text == name.replace("\ud800", "\\ud800")
    assert problems(made.audit) == ()


def test_huge_values_are_cut(made: Bench) -> None:
    cause = Cause(source="alertmanager", labels={f"l{number}": "x" * 100_000 for number in range(1000)})
    made.audit.record(
        "planned", cause, text="y" * 10_000_000, before={"deep": [["z" * 9999] * 500] * 500, "n": 10**400}
    )
    assert len(made.lines[0]) <= LONGEST_LINE
    (entry,) = made.store.entries()
    assert entry.text.startswith("yyy")
    assert "more characters" in entry.text
    assert entry.cause.labels["…"].endswith(" more")
    assert problems(made.audit) == ()


def test_what_json_has_no_word_for_is_text(made: Bench) -> None:
    made.audit.record("planned", RULE, before={"rate": float("nan"), "set": {"b", "a"}, "path": Path("x"), 5: 10**30})
    (entry,) = made.store.entries()
    assert entry.before == {"rate": "nan", "set": ["a", "b"], "path": "x", "5": str(10**30)}
    assert problems(made.audit) == ()


def test_secrets_never_get_in(made: Bench) -> None:
    audit = Audit(made.store, made.file, "monitor", lambda: NOW, Redactor(["s3cret-word"]))
    audit.record(
        "planned",
        Cause(source="command", by="s3cret-word"),
        text="http://hand:s3cret-too@host/ Authorization: Bearer abcdef",
        before={"password": "p4ss", "nested": {"auth_token": "t0ken", "cookie": ""}, "note": "with s3cret-word inside"},
    )
    text = made.file.read_text()
    assert not [each for each in ("s3cret", "abcdef", "p4ss", "t0ken") if each in text]
    assert "hand:<secret>@host" in text
    audit.close()


def test_fields_of_a_newer_version_are_left_alone(ten: Bench) -> None:
    """Whoever goes back to this version can read on, and verify what it does not know."""
    newer = forge(ten.lines[-1], number=11, previous=json.loads(ten.lines[-1])["hash"], weather="fine")
    ten.write([*ten.lines, newer])
    ten.again().begin()
    assert problems(ten.audit) == ()
    assert ten.store.entries(after=10, limit=1)[0].event == "ended"
    assert ten.rows[10] == newer
