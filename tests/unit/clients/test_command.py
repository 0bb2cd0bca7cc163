"""Commands end in time with all their children, and nothing else is ever ended."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.support.waiting import until

from rabbitwatch.clients.command import CommandRunner
from rabbitwatch.errors import CallError, CallFailure


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_output_and_status_are_kept() -> None:
    done = CommandRunner().run(
        python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(69)"), within=20.0
    )
    assert (done.status, done.stdout, done.stderr) == (69, b"out\n", b"err\n")


def test_arguments_never_reach_a_shell() -> None:
    done = CommandRunner().run(["echo", "$(id)", "; false", "*"], within=20.0)
    assert done.stdout == b"$(id) ; false *\n"


def test_a_missing_executable_is_an_error_at_once() -> None:
    with pytest.raises(CallError, match="no-such-command is not installed here") as caught:
        CommandRunner().run(["no-such-command"], within=20.0)
    assert caught.value.kind is CallFailure.ERROR


def test_a_file_that_cannot_be_run_is_an_error(tmp_path: Path) -> None:
    script = tmp_path / "broken"
    script.write_text("no interpreter line")
    script.chmod(0o755)
    with pytest.raises(CallError, match="cannot be started"):
        CommandRunner().run([str(script)], within=20.0)


def test_a_late_command_is_ended_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "child"
    script = f"sleep 300 & echo $! > {shlex.quote(str(note))}; wait"
    with pytest.raises(CallError, match=r"had not ended after 0\.5 s") as caught:
        CommandRunner().run(["sh", "-c", script], within=0.5)
    assert caught.value.kind is CallFailure.TIMEOUT
    child = int(note.read_text())
    until(lambda: not alive(child))


def test_a_child_that_outlives_its_command_is_ended_and_not_waited_for(tmp_path: Path) -> None:
    note = tmp_path / "child"
    began = time.monotonic()
    done = CommandRunner().run(["sh", "-c", f"sleep 300 & echo $! > {shlex.quote(str(note))}; echo done"], within=30.0)
    assert done.stdout == b"done\n"
    assert time.monotonic() - began < 10.0
    child = int(note.read_text())
    until(lambda: not alive(child))


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_of_output_ends_the_command(stream: str) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 10000)"
    with pytest.raises(CallError, match="printed more than 50000 bytes"):
        CommandRunner(output_limit=50_000).run(python(code), within=20.0)


def test_no_more_than_so_many_run_at_once(tmp_path: Path) -> None:
    script = "import os, sys, time; p = sys.argv[1]; open(f'{p}/{os.getpid()}', 'w').close()\n"
    script += "time.sleep(0.3); print(len(os.listdir(p))); os.unlink(f'{p}/{os.getpid()}')"
    runner = CommandRunner(at_once=2)
    seen: list[int] = []

    def run() -> None:
        seen.append(int(runner.run([*python(script), str(tmp_path)], within=30.0).stdout))

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 5
    assert max(seen) == 2


def test_close_ends_what_runs_and_starts_nothing_more() -> None:
    runner = CommandRunner()
    reasons: list[str] = []

    def run() -> None:
        try:
            runner.run(["sleep", "300"], within=300.0)
        except CallError as error:
            reasons.append(error.reason)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: runner.running == 1)
    began = time.monotonic()
    runner.close()
    thread.join(5.0)
    assert time.monotonic() - began < 2.0
    assert reasons == ["sleep was ended, because the agent ends"]
    with pytest.raises(CallError, match="no command is started any more"):
        runner.run(["true"], within=5.0)


def test_the_caller_s_own_process_group_is_left_alone() -> None:
    group = os.getpgrp()
    done = CommandRunner().run(python("import os; print(os.getpgrp())"), within=20.0)
    assert int(done.stdout) != group
