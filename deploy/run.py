"""`make run`: a real RabbitMQ cluster with mirrored queues and traffic, and the agent that watches it.

With RABBITMQ_URL set it starts no cluster and watches the one at that address. Ctrl-C ends everything that was
started; what a killed run left behind is ended by the next one, because the lab keeps a record of all it starts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
LAB = TOP / "deploy/lab/lab"
RABBITWATCH = TOP / ".venv/bin/rabbitwatch"
STATE = TOP / ".lab"
LISTEN = ("127.0.0.1", 9419)
READY_WITHIN = 60.0
# A short tick lets a split show within 10 to 20 seconds; the broker's default of 60 makes a demonstration long.
NET_TICKTIME = "10"
QUICK = """\
poll: {interval: 5s, timeout: 4s, diagnostics_interval: 30s}
rules: {evaluation_interval: 5s}
web: {listen: '127.0.0.1:9419'}
"""

WHAT_NEXT = """
  metrics         http://127.0.0.1:9419/metrics
  status page     http://127.0.0.1:9419/
  wall            http://127.0.0.1:9419/wall
Try in another terminal:
  curl -s localhost:9419/metrics | grep -E 'components|view_running'
  deploy/lab/lab partition rabbit3     # cut rabbit3 off, then look again: 2 groups, while every `partitions` is empty
  deploy/lab/lab heal                  # now the brokers themselves report what happened
  deploy/lab/lab unsync                # queues with messages whose mirrors lag
  deploy/lab/lab --help                # kill, cookie, alarm, hang, slow ...
  .venv/bin/rabbitwatch alerts         # what fires
  .venv/bin/rabbitwatch once --config {config}

Ctrl-C ends all of it.
"""


def say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr, flush=True)


def lab(*arguments: str, capture: bool = False) -> str:
    done = subprocess.run(
        [str(LAB), "--state", str(STATE), *arguments],
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.returncode)
    return done.stdout or ""


def port_is_free() -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(LISTEN)
        except OSError:
            return False
    return True


def start_cluster() -> Path:
    """Bring the lab up with load on it; returns the path of the agent's configuration for it."""
    isolation = "netns" if os.geteuid() == 0 else "loopback"
    # --replace ends what a killed run has left; a live one holds the port and was found before
    shape = ["--nodes", "3", "--ram", "rabbit3", "--mirror", "all", "--net-ticktime", NET_TICKTIME]
    lab("up", "--replace", "--isolation", isolation, *shape)
    say("mirrored queues and steady traffic")
    lab("load", "--queues", "6", "--messages", "200", "--consumers", "6", "--rate", "20")
    config = STATE / "agent.yml"
    config.write_text(lab("config", capture=True) + QUICK, encoding="utf-8")
    config.chmod(0o600)
    return config


def start_agent(config: Path) -> subprocess.Popen[bytes]:
    # a killed `make run` must not leave an agent behind: the kernel ends it with its parent
    command = ["setpriv", "--pdeathsig", "TERM", str(RABBITWATCH), "run", "--config", str(config)]
    return subprocess.Popen(command, cwd=STATE)


def wait_until_ready(agent: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end:
        if agent.poll() is not None:
            raise SystemExit(agent.returncode or 1)
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"http://{LISTEN[0]}:{LISTEN[1]}/-/ready", timeout=2).close()
            return
        time.sleep(0.3)
    say(f"the agent was not ready within {READY_WITHIN:.0f} s; its log above says why")


def watch(config: Path) -> int:
    agent = start_agent(config)
    try:
        wait_until_ready(agent)
        print(WHAT_NEXT.format(config=config.relative_to(TOP)), flush=True)
        return agent.wait()
    finally:
        if agent.poll() is None:
            agent.terminate()
        agent.wait()


def main() -> int:
    # a stop from a service manager or a script ends everything just as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not port_is_free():
        print(f"make run: port {LISTEN[1]} is taken: end the program that listens there", file=sys.stderr)
        return 2
    if os.environ.get("RABBITMQ_URL"):
        config = str(TOP / "deploy/watch.yml")
        os.execv(RABBITWATCH, [str(RABBITWATCH), "run", "--config", config])  # noqa: S606 - the same process goes on
    try:
        config = start_cluster()
        return watch(config)
    except KeyboardInterrupt:
        return 130
    finally:
        # a second Ctrl-C must not stop the clearing up half way
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say("ending everything that was started")
        subprocess.run([str(LAB), "--state", str(STATE), "down"], check=False)


if __name__ == "__main__":
    sys.exit(main())
