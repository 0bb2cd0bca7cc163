"""A lock on a file, between processes and against people who tidy up."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tests.support.leaseholder import Holder, keeper
from tests.support.waiting import until

from rabbitwatch.actions.lease.file import FileGrip

SETTINGS = {"username": "repairs", "password": "unused", "lease": {"kind": "file"}}


def test_of_two_one_holds_it_and_the_other_is_told_who(tmp_path: Path) -> None:
    one, two = FileGrip(tmp_path / "l.lock", "agent one"), FileGrip(tmp_path / "l.lock", "agent two")
    assert one.take().why == ""
    assert one.confirm().why == ""
    refused = two.take()
    assert refused.elsewhere
    assert refused.why == f"lock file {tmp_path}/l.lock is held by agent one"
    one.release()
    assert one.confirm().why
    assert two.take().why == ""


def test_a_killed_process_frees_it(tmp_path: Path) -> None:
    other = Holder(SETTINGS, ["http://127.0.0.1:1"], tmp_path, "other")
    mine = keeper(SETTINGS, ["http://127.0.0.1:1"], tmp_path, "mine")
    try:
        until(lambda: other.held() == "", "the other one holds it")
        mine.begin()
        assert "is held by agent other (host " in mine.held()
        other.kill()
        until(lambda: mine.held() == "", "it is free")
    finally:
        other.kill()
        mine.close()
    assert [path.name for path in tmp_path.iterdir()] == ["rabbitwatch.actions.lab.lock"]


def test_a_process_that_is_stopped_keeps_it(tmp_path: Path) -> None:
    """The kernel knows no time-out: nobody acts meanwhile, rather than two."""
    other = Holder(SETTINGS, ["http://127.0.0.1:1"], tmp_path, "other")
    try:
        until(lambda: other.held() == "", "the other one holds it")
        other.stop()
        assert FileGrip(tmp_path / "rabbitwatch.actions.lab.lock", "mine").take().elsewhere
        other.go_on()
        assert other.held() == ""
    finally:
        other.kill()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_somebody_removed_is_no_lock(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "l.lock"
    one, two = FileGrip(path, "agent one"), FileGrip(path, "agent two")
    one.take()
    path.unlink()
    if replaced:
        assert two.take().why == ""
    assert "nobody may remove or replace it" in one.confirm().why
    assert bool(one.take().why) == replaced


def test_a_folder_that_is_not_there_or_not_writable_is_named(tmp_path: Path) -> None:
    refused = FileGrip(tmp_path / "none" / "l.lock", "agent one").take()
    assert not refused.elsewhere
    assert "none/l.lock cannot be locked (No such file or directory)" in refused.why
    (tmp_path / "folder").mkdir()
    assert "Is a directory" in FileGrip(tmp_path / "folder", "agent one").take().why


def test_what_others_wrote_into_it_stays_one_line(tmp_path: Path) -> None:
    path = tmp_path / "l.lock"
    one = FileGrip(path, "agent\none")
    one.take()
    assert "\n" not in FileGrip(path, "agent two").take().why


def test_it_is_not_open_in_children(tmp_path: Path) -> None:
    one = FileGrip(tmp_path / "l.lock", "agent one")
    one.take()
    opened = [int(fd.name) for fd in Path("/proc/self/fd").iterdir() if _same(int(fd.name), tmp_path / "l.lock")]
    assert opened
    assert not any(os.get_inheritable(fd) for fd in opened)
    one.release()


def _same(fd: int, path: Path) -> bool:
    try:
        found = os.fstat(fd)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_ino == path.stat().st_ino
