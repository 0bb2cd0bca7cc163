"""The whole process: signals, reloads, and how soon it ends. No broker: what it asks hangs, or is refused."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.web.serving import certificate, hashed, trusting


class Run:
    """`rabbitwatch run` as a process of its own, on a free port."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.config = folder / "rabbitwatch.yml"
        self.config.write_text(config)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        command = [sys.executable, "-m", "rabbitwatch", "run", "--config", str(self.config)]
        command += ["--web.listen-address", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stderr=(folder / "log").open("wb"))

    def ask(self, path: str, method: str = "GET", tls: ssl.SSLContext | None = None) -> tuple[int, str]:
        connection: http.client.HTTPConnection
        if tls is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        else:
            connection = http.client.HTTPSConnection("localhost", self.port, timeout=20, context=tls)
        with contextlib.closing(connection):
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def wait_for(self, path: str, status: int = 200, *, tls: ssl.SSLContext | None = None) -> str:
        end = time.monotonic() + 60
        got: Any = None
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log()
            with contextlib.suppress(OSError, http.client.HTTPException):
                got = self.ask(path, tls=tls)
                if got[0] == status:
                    return str(got[1])
            time.sleep(0.1)
        pytest.fail(f"{path} never answered {status}, but {got}\n{self.log()}")

    def metric(self, name: str) -> float:
        page = self.ask("/metrics")[1]
        (line,) = [line for line in page.splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log().splitlines()]

    def wait_for_message(self, message: str) -> dict[str, Any]:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = [line for line in self.messages() if message in line["msg"]]
            if found:
                return found[-1]
            time.sleep(0.1)
        pytest.fail(f"never logged {message!r}:\n{self.log()}")


@contextlib.contextmanager
def run(folder: Path, config: str) -> Iterator[Run]:
    running = Run(folder, config)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait(20)


def alive(pid: int) -> bool:
    """Runs still; what has ended and only waits for its new parent to notice does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


REFUSED = "{diagnostics: [], nodes: [{url: 'http://127.0.0.1:1'}]}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_under_two_seconds_while_everything_that_it_asked_hangs(
    tmp_path: Path, number: signal.Signals
) -> None:
    pid_file = tmp_path / "pid"
    tool = tmp_path / "diagnostics"
    tool.write_text(f"#!/bin/sh\necho $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; sleep 1000\n")
    tool.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:  # accepts, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        poll = "poll: {interval: 15s, timeout: 14s, diagnostics_interval: 1s}"
        cluster = f"clusters: [{{nodes: [{{url: '{url}', name: rabbit@a, diagnostics: [{tool}]}}]}}]"
        quick = f"poll: {{interval: 2s, timeout: 1s}}\n{cluster}"
        with run(tmp_path, quick) as running:
            running.wait_for("/-/healthy")
            end = time.monotonic() + 60
            while not pid_file.exists() and time.monotonic() < end:
                time.sleep(0.1)
            child = int(pid_file.read_text())
            running.config.write_text(f"{poll}\n{cluster}")
            assert running.ask("/-/reload", "POST")[0] == 200
            running.wait_for("/-/ready", 503)
            began = time.monotonic()
            running.process.send_signal(number)
            assert running.process.wait(20) == 0
            assert time.monotonic() - began < 2
    assert not alive(child)


def test_a_reload_is_all_or_nothing_by_signal_and_by_http(tmp_path: Path) -> None:
    with run(tmp_path, f"clusters: [{REFUSED}]") as running:
        running.wait_for("/-/ready")
        assert running.metric("rabbitwatch_config_last_reload_successful") == 1
        before = running.metric("rabbitwatch_config_last_reload_success_timestamp_seconds")

        running.config.write_text("clusters: [{nme: b}]")
        status, text = running.ask("/-/reload", "POST")
        assert status == 500
        assert f"{running.config}:1:13: clusters[0]: unknown key 'nme', did you mean 'name'?" in text
        assert running.metric("rabbitwatch_config_last_reload_successful") == 0
        assert running.metric("rabbitwatch_config_last_reload_success_timestamp_seconds") == before
        running.wait_for("/-/ready")

        running.config.write_text(f"clusters: [{REFUSED}, {REFUSED[:-1]}, name: second}}]")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for_message("the configuration was reloaded")
        running.wait_for("/-/ready")
        assert running.metric("rabbitwatch_config_last_reload_successful") == 1
        assert [one["name"] for one in json.loads(running.ask("/api/v1/clusters")[1])["data"]][-1] == "second"


def test_passwords_are_asked_for_as_soon_as_a_reload_says_so(tmp_path: Path) -> None:
    config = f"clusters: [{REFUSED}]\n"
    with run(tmp_path, config) as running:
        running.wait_for("/-/ready")
        (tmp_path / "web.yml").write_text(f"basic_auth_users: {{alice: '{hashed('x')}'}}")
        running.config.write_text(config + "web: {config_file: web.yml}")
        assert running.ask("/-/reload", "POST")[0] == 200
        assert running.ask("/metrics")[0] == 401


def test_a_certificate_that_changes_on_disk_is_taken_over_without_a_reload(tmp_path: Path) -> None:
    first = certificate(tmp_path, "server").read_bytes()
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: server.pem, key_file: server.key}")
    with run(tmp_path, f"clusters: [{REFUSED}]\nweb: {{config_file: web.yml}}") as running:
        running.wait_for("/-/ready", tls=trusting(tmp_path / "server.pem"))
        (tmp_path / "server.pem").write_bytes(b"no certificate")
        running.wait_for_message("the web configuration changed on disk and cannot be used")
        (tmp_path / "old.pem").write_bytes(first)
        assert running.ask("/-/healthy", tls=trusting(tmp_path / "old.pem"))[0] == 200
        certificate(tmp_path, "server")
        running.wait_for_message("took over the web configuration and certificates")
        assert running.ask("/-/healthy", tls=trusting(tmp_path / "server.pem"))[0] == 200
        assert sum("cannot be used" in line["msg"] for line in running.messages()) == 1


def test_a_port_in_use_is_one_line_and_exit_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "rabbitwatch", "run", "--web.listen-address", address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"rabbitwatch: web.listen: cannot listen on {address}: address already in use\n"


def test_no_password_is_in_a_log_a_page_or_a_metric(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2hunter2")
    cluster = "{username: bob, password_file: password, diagnostics: [], nodes: [{url: 'http://127.0.0.1:1'}]}"
    with run(tmp_path, f"clusters: [{cluster}]") as running:
        running.wait_for("/-/ready")
        shown = [running.ask(path)[1] for path in ("/", "/metrics", "/api/v1/clusters")] + [running.log()]
        shown.append(Path(f"/proc/{running.process.pid}/cmdline").read_text())
    assert not [text for text in shown if "hunter2" in text]
