"""Notices in a file and on standard output: whole, in order, and with no line that an alert's name has forged."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path

import pytest
from tests.support.notices import alert, notice

from rabbitwatch.config.receivers import FileConfig
from rabbitwatch.errors import DeliveryError
from rabbitwatch.notify.receivers import file
from rabbitwatch.notify.receivers.file import FileSender
from rabbitwatch.notify.receivers.payload import payload
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.templating import Texts

HOSTILE = "q\r\n2030-01-01 [RESOLVED] forged\x1b[2J\x00\u202e\u2028x"


def test_json_is_one_line_a_notice_in_the_webhooks_form(tmp_path: Path) -> None:
    path = tmp_path / "notices"
    sender = file.make(FileConfig(path=path, format="json"), Tools())
    told = [notice(alert(queue=HOSTILE)), notice(alert(ended=True))]
    for each in told:
        assert sender.send(each, {}, "id") == {}
    lines = path.read_text().split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [payload(each) for each in told]
    assert lines[-1] == ""


def test_text_is_for_people_and_spells_control_characters_out(tmp_path: Path) -> None:
    path = tmp_path / "notices"
    sender = file.make(FileConfig(path=path), Tools())
    sender.send(notice(alert(queue=HOSTILE)), {}, "id")
    text = path.read_text()
    assert not {"\r", "\x1b", "\x00", "\u202e", "\u2028"} & set(text)
    assert not [line for line in text.splitlines() if line.startswith("2030-01-01")]
    assert r"\x1b" in text
    assert text.endswith("\n\n")


def test_an_own_template_cannot_bring_control_characters_either(tmp_path: Path) -> None:
    path = tmp_path / "notices"
    sender = file.make(FileConfig(path=path, text="{{ status }}\x1b[2J\nsecond line"), Tools())
    sender.send(notice(), {}, "id")
    assert path.read_text() == "firing\\x1b[2J\nsecond line\n\n"


def test_it_is_appended_and_found_again_after_the_file_was_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "notices"
    path.write_text("before\n")
    sender = file.make(FileConfig(path=path, format="json"), Tools())
    sender.send(notice(), {}, "id")
    path.rename(tmp_path / "notices.1")
    sender.send(notice(), {}, "id")
    assert (tmp_path / "notices.1").read_text().startswith("before\n{")
    assert path.read_text().count("\n") == 1


def test_a_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "notices"
    before = os.umask(0)
    try:
        file.make(FileConfig(path=path), Tools()).send(notice(), {}, "id")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_standard_output() -> None:
    out = io.BytesIO()
    FileSender(FileConfig(format="json"), Texts.of(), out).send(notice(), {}, "id")
    assert json.loads(out.getvalue())["version"] == "4"


@pytest.mark.parametrize("path", ["missing/notices", "."])
def test_what_cannot_be_written_is_tried_again(tmp_path: Path, path: str) -> None:
    sender = file.make(FileConfig(path=tmp_path / path), Tools())
    with pytest.raises(DeliveryError, match=r"cannot write to .*: (No such|Is a directory)") as caught:
        sender.send(notice(), {}, "id")
    assert not caught.value.permanent


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_a_failure() -> None:
    with pytest.raises(DeliveryError, match="No space left"):
        file.make(FileConfig(path=Path("/dev/full")), Tools()).send(notice(), {}, "id")


def test_notices_of_several_threads_do_not_mingle(tmp_path: Path) -> None:
    path = tmp_path / "notices"
    sender = file.make(FileConfig(path=path, format="json"), Tools())
    big = notice(*[alert(queue="q" * 1000 + str(number)) for number in range(20)])
    threads = [threading.Thread(target=sender.send, args=(big, {}, "id")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [json.loads(line)["version"] for line in path.read_text().splitlines()] == ["4"] * 8
