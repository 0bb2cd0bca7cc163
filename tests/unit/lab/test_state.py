from __future__ import annotations

import json
from pathlib import Path

import pytest
from rabbitlab.errors import LabError
from rabbitlab.order import mirror_policy
from rabbitlab.processes import Process
from rabbitlab.state import Lab, Store, boot_id
from tests.unit.lab.labs import netns_lab


def full_lab() -> Lab:
    lab = netns_lab(ram=("rabbit3",))
    lab.boot = boot_id()
    lab.order = type(lab.order)(policies=(mirror_policy("all"),), conf=("a = b",), ram=("rabbit3",))
    lab.processes = {"rabbit1/broker": Process(10, 20)}
    lab.owner = Process(1, 2)
    lab.cuts = [("rabbit1", "rabbit2", True)]
    lab.answers = {"rabbit1": "hang"}
    lab.restore = {"rabbit1/memory": "0.4"}
    return lab


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    store = Store(tmp_path / "lab")
    store.save(full_lab())
    assert store.load() == full_lab()
    assert store.file.stat().st_mode & 0o077 == 0


def test_no_lab(tmp_path: Path) -> None:
    store = Store(tmp_path / "lab")
    assert store.find() is None
    with pytest.raises(LabError, match="start one with `lab up`"):
        store.load()
    assert not store.folder.exists()


def test_after_a_reboot_no_recorded_process_is_ours(tmp_path: Path) -> None:
    store = Store(tmp_path)
    lab = full_lab()
    lab.boot = "another"
    store.save(lab)
    found = store.load()
    assert (found.processes, found.owner) == ({}, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is damaged"),
        ("{}", "is damaged"),
        ("[]", "is damaged"),
        (json.dumps({"format": 1}), "is damaged"),
        (json.dumps({"format": 99}), "another version of the lab"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str, words: str) -> None:
    store = Store(tmp_path)
    store.file.write_text(text)
    with pytest.raises(LabError, match=words) as refused:
        store.load()
    assert str(store.file) in str(refused.value)


def test_clear_removes_only_what_the_lab_wrote(tmp_path: Path) -> None:
    store = Store(tmp_path / "lab")
    store.save(full_lab())
    (store.folder / "nodes" / "rabbit1").mkdir(parents=True)
    other = store.folder / "notes.txt"
    other.write_text("mine")
    store.clear()
    assert [path.name for path in store.folder.iterdir()] == ["notes.txt"]
    other.unlink()
    store.clear()
    assert not store.folder.exists()


def test_an_unknown_node_is_named_beside_those_there_are() -> None:
    with pytest.raises(LabError, match=r"no node 'rabbit7': the nodes are rabbit1, rabbit2, rabbit3"):
        netns_lab().node("rabbit7")
    assert netns_lab().node("rabbit@rabbit2").name == "rabbit2"


def test_one_command_at_a_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.locked(), pytest.raises(LabError, match="another lab command"), Store(tmp_path).locked(0.0):
        pass
