from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rabbitlab.processes import MARK, Process, alive, end, identify, marked, send, spawn

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)"]


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    process = spawn(SLEEP, {}, tmp_path / "out")
    yield process
    end([process])


def test_a_process_is_known_until_it_ends(sleeper: Process) -> None:
    assert alive(sleeper)
    end([sleeper], grace=5.0)
    assert not alive(sleeper)
    assert not alive(None)


def test_a_recycled_pid_is_nobody_of_ours(sleeper: Process) -> None:
    stranger = Process(sleeper.pid, sleeper.start + 1)
    assert not alive(stranger)
    assert not send(stranger, signal.SIGKILL)
    end([stranger], grace=0.1)
    assert alive(sleeper)


def test_a_zombie_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert identify(child.pid) is None


def test_who_does_not_heed_the_signal_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "out"
    process = spawn([DEAF[0], "-u", *DEAF[1:]], {}, log)
    while not log.read_text():
        assert alive(process)
    end([process], grace=0.3)
    assert not alive(process)


def test_the_mark_finds_a_process_and_its_children_but_never_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = secrets.token_hex(8)
    nest = f"import subprocess; subprocess.run({SLEEP!r})"
    process = spawn([sys.executable, "-c", nest], {MARK: mark}, tmp_path / "out")
    try:
        while len(marked(mark)) < 2:
            assert alive(process)
        assert process in marked(mark)
    finally:
        end(marked(mark))
    assert marked(mark) == []
    # A caller that carries the mark itself, as in a shell that `lab exec` opened.
    ask = "import sys\nfrom rabbitlab.processes import marked\nprint(marked(sys.argv[1]))"
    package = str(Path(__file__).resolve().parents[3] / "deploy/lab")
    said = subprocess.run(
        [sys.executable, "-c", ask, mark],
        env={MARK: mark, "PYTHONPATH": package},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"
