"""Writes docs/resync.md: `python tests/pictures/resync.py` (root, three minutes).

A real cluster, a real agent and the commands that a person types; what they print goes into the page as it is. Whoever
changes what a command prints runs this again.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import string
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
LAB = TOP / "deploy/lab/lab"
TEXT, PAGE = Path(__file__).with_name("resync.md.in"), TOP / "docs/resync.md"
LISTEN = "127.0.0.1:19420"
PASSWORD = "the password of whoever acts"
BESIDE = str(Path(sys.executable).parent)
WITHIN = 120.0


class Scene:
    """The folder that a person sits in: configuration, notices, the agent's data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._env = {
            **os.environ,
            "PATH": f"{BESIDE}:{TOP}/deploy/lab:{os.environ['PATH']}",
            "LAB_STATE": str(folder / "lab"),
            "RABBITWATCH_URL": f"http://{LISTEN}",
            "COLUMNS": "118",
        }

    def run(self, command: str, *, fed: str | None = None) -> str:
        """What it prints, on both streams."""
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=self._env, input=fed, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.stdout

    def shown(self, command: str) -> str:
        """The command and what it prints, as a terminal has them."""
        lines = f"$ {command}\n{self.run(command)}".splitlines()
        return "\n".join(line.rstrip() for line in lines).rstrip()

    def notice(self, about: str) -> str:
        """The first notice that says this, once it is there."""
        path = self.folder / "notices.txt"

        def found() -> str:
            told = path.read_text(encoding="utf-8").strip().split("\n\n") if path.exists() else []
            return next((paragraph for paragraph in told if about in paragraph), "")

        until(found, f"a notice with {about!r}")
        return found()

    def quiet(self) -> bool:
        """No message has passed the queue lately, by the broker's statistics."""
        plan = json.loads(self.run("rabbitwatch resync --config rabbitwatch.yml --cluster orders -o json"))
        return not any(each["refused"] for each in plan["steps"][0]["guards"] if each["guard"] == "rate")

    def approval(self) -> str:
        """The id of the question that waits."""
        with urllib.request.urlopen(f"http://{LISTEN}/api/v1/actions", timeout=10) as answer:
            (question,) = json.load(answer)["data"]["approvals"]
        return str(question["id"])

    @contextmanager
    def agent(self) -> Iterator[subprocess.Popen[bytes]]:
        """`rabbitwatch run`, ended with the context."""
        argv = [sys.executable, "-m", "rabbitwatch", "run", "--config", "rabbitwatch.yml"]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(argv, cwd=self.folder, stdout=log, stderr=log)
            try:
                yield process
            finally:
                process.terminate()
                process.wait()


def until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + WITHIN
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"not within {WITHIN:.0f} s: {what}")
        time.sleep(0.5)


ACTIONS = """\
actions:
  username: hand
  password_file: hand-password
  bindings:
    - matchers: [alertname="MirrorsLag"]
      action: resync
      mode: {mode}
"""
RULES = """\
groups:
  - name: resync
    rules:
      - alert: MirrorsLag
        expr: max by (cluster, vhost) (rabbitwatch_vhost_unsynchronised_mirrors) > 0
        for: 10s
        labels: {severity: warning}
        annotations:
          summary: 'Mirrors of vhost {{ $labels.vhost }} lag: {{ $value }}'
"""


def configure(scene: Scene, mode: str) -> str:
    """Write the configuration; what the page shows of it."""
    cluster: dict[str, Any] = yaml.safe_load(scene.run("lab config --no-diagnostics --no-cookie-files"))["clusters"][0]
    declared = {"vhost": "/", "name": "ha-unsync", "pattern": r"^unsync\.", "apply_to": "queues", "priority": 10}
    declared["definition"] = {"ha-mode": "all", "ha-sync-mode": "manual"}
    actions = ACTIONS.format(mode=mode)
    whole: dict[str, Any] = {
        "clusters": [{**cluster, "policies": [declared]}],
        "poll": {"interval": "3s", "timeout": "2s"},
        "web": {"listen": LISTEN},
        "rules": {"files": ["rules.yml"], "evaluation_interval": "3s"},
        "storage": {"path": "data"},
        "route": {"receiver": "oncall", "group_wait": "0s", "group_interval": "3s"},
        "receivers": [{"name": "oncall", "file_configs": [{"path": "notices.txt"}]}],
        "notify": {"external_url": "http://rabbitwatch.example.org"},
        **yaml.safe_load(actions),
    }
    whole["actions"]["guards"] = {"uptime": {"at_least": "10s"}}
    whole["actions"]["verify"] = {"interval": "2s"}
    (scene.folder / "rules.yml").write_text(RULES, encoding="utf-8")
    (scene.folder / "rabbitwatch.yml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    return actions.rstrip()


def play(scene: Scene) -> dict[str, str]:
    """The whole story; the page's blocks by name."""
    told: dict[str, str] = {}
    (scene.folder / "hand-password").write_text(PASSWORD, encoding="utf-8")
    scene.run("lab up --net-ticktime 10 --cluster-name orders")
    scene.run("lab exec rabbit1 -- rabbitmqctl add_user hand", fed=f"{PASSWORD}\n")
    scene.run("lab exec rabbit1 -- rabbitmqctl set_user_tags hand administrator")
    scene.run("lab exec rabbit1 -- rabbitmqctl set_permissions hand '^rabbitwatch.actions$' '^$' '^$'")
    told["unsync"] = scene.shown("lab unsync --queues 1 --messages 20000 --size 1000 --node rabbit1")
    told["dry_run"] = configure(scene, "dry_run")
    until(scene.quiet, "the rate of a quiet queue")
    with scene.agent() as process:
        told["dry_notice"] = scene.notice("Dry run")
        told["plan"] = scene.shown("rabbitwatch resync --cluster orders")
        told["approve"] = configure(scene, "approve")
        process.send_signal(signal.SIGHUP)
        told["question"] = scene.notice("Approve?")
        told["list"] = scene.shown("rabbitwatch actions list")
        told["granted"] = scene.shown(f"rabbitwatch approve {scene.approval()} --wait --by 'Ada on call'")
        told["again"] = scene.shown(f"rabbitwatch approve {approved(told['granted'])} --by 'Ada on call'")
        told["end"] = scene.notice("Done")
        told["audit"] = scene.shown(f"rabbitwatch audit --deed {deed(told['granted'])}")
        told["verify"] = scene.shown("rabbitwatch audit --verify --file data/audit.jsonl --url $RABBITWATCH_URL")
        lines = (scene.folder / "data/audit.jsonl").read_text(encoding="utf-8").splitlines()
        (scene.folder / "changed.jsonl").write_text("\n".join([*lines[:2], *lines[3:]]) + "\n", encoding="utf-8")
        told["changed"] = scene.shown("rabbitwatch audit --verify --file changed.jsonl")
    return told


def approved(shown: str) -> str:
    """The id in `$ rabbitwatch approve ID …`."""
    return shlex.split(shown.splitlines()[0])[3]


def deed(shown: str) -> str:
    """The deed of what followed: the third word of what is told with a time."""
    return shown.splitlines()[-1].split()[2]


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="rabbitwatch-resync-") as folder:
        scene = Scene(Path(folder))
        try:
            told = play(scene)
        finally:
            sys.stderr.write(scene.run("lab down"))
    text = string.Template(TEXT.read_text(encoding="utf-8")).substitute(told)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
