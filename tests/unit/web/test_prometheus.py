"""Debian's Prometheus and promtool judge what the agent serves, hostile names and all."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.support.waiting import until
from tests.unit.cluster.build import HA_ALL, B, C, healthy, objects, queue, vhost
from tests.unit.web.serving import certificate, hashed

from rabbitwatch.cli.service import Options, Service
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.redaction import Redactor

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(not (PROMETHEUS and PROMTOOL), reason="needs Debian's prometheus: apt-get install prometheus"),
]

HOSTILE = (
    'say "hi"',
    "back\\slash",
    "two\nlines",
    "trailing\\",
    "\\n",
    "<script>alert(1)</script>",
    "🐇 кролик",
    "é" * 127 + "x",
    " ",
    "a{b=c}, d 1 #",
    "\u2028\x1b[31m",
)


class Recorded:
    """A poller whose cluster never changes."""

    def poll(self) -> ClusterObservation:
        queues = tuple(queue(name, mirrors=(B, C), synchronised=(B,), messages=3) for name in HOSTILE)
        return healthy(objects(queues=queues, policies=(HA_ALL,), vhosts=(vhost(a="running"),)))

    def close(self) -> None:
        pass


def recorded(_: ClusterConfig, __: PollConfig) -> Recorded:
    return Recorded()


@contextlib.contextmanager
def running(folder: Path, web_file: Path | None = None) -> Iterator[int]:
    """The whole agent but for its brokers, with what it keeps in `folder`; gives the port."""
    config = folder / "rabbitwatch.yml"
    config.write_text("")
    service = Service(Options(config, listen="127.0.0.1:0", web_file=web_file), Redactor(), recorded)
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        until(lambda: service.port)
        assert service.port is not None
        yield service.port
    finally:
        service.stop()
        thread.join(10)
        assert not thread.is_alive()


def get(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_promtool_has_nothing_to_say_about_the_page(tmp_path: Path) -> None:
    with running(tmp_path) as port:
        until(lambda: get(port, "/-/ready")[0] == 200)
        _, page = get(port, "/metrics")
    assert page.count(b"rabbitwatch_queue_messages{") == len(HOSTILE)
    judged = subprocess.run([str(PROMTOOL), "check", "metrics"], input=page, capture_output=True, check=False)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, b"", b"")


@contextlib.contextmanager
def prometheus(folder: Path, scrape: str) -> Iterator[int]:
    """A Prometheus that scrapes one target each second; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n- job_name: rabbitwatch\n{scrape}"
    )
    command = [
        str(PROMETHEUS),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield port
        finally:
            process.terminate()
            process.wait(20)


def query(port: int, expression: str) -> list[dict[str, Any]]:
    try:
        status, body = get(port, "/api/v1/query?" + urlencode({"query": expression}))
    except OSError:
        return []
    found: list[dict[str, Any]] = json.loads(body)["data"]["result"] if status == 200 else []
    return found


def test_a_real_prometheus_scrapes_every_series_and_reads_the_names_as_they_are(tmp_path: Path) -> None:
    with running(tmp_path) as port:
        until(lambda: get(port, "/-/ready")[0] == 200)
        scrape = f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
        with prometheus(tmp_path, scrape) as at:
            until(lambda: query(at, "up == 1"))
            found = until(lambda: query(at, "rabbitwatch_queue_messages"))
            samples = query(at, "scrape_samples_scraped")
    assert {result["metric"]["queue"] for result in found} == set(HOSTILE)
    assert float(samples[0]["value"][1]) > 10 * len(HOSTILE)


def test_a_real_prometheus_scrapes_through_tls_and_basic_auth(tmp_path: Path) -> None:
    certificate(tmp_path, "server")
    (tmp_path / "web.yml").write_text(
        f"tls_server_config: {{cert_file: server.pem, key_file: server.key}}\n"
        f"basic_auth_users: {{prometheus: '{hashed('s3cret')}'}}\n"
    )
    with running(tmp_path, tmp_path / "web.yml") as port:
        scrape = (
            f"  scheme: https\n  basic_auth: {{username: prometheus, password: s3cret}}\n"
            f"  tls_config: {{ca_file: {tmp_path}/server.pem, server_name: localhost}}\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
        )
        with prometheus(tmp_path, scrape) as at:
            until(lambda: query(at, "up == 1"))
            assert until(lambda: query(at, "rabbitwatch_cluster_nodes == 3"))


def test_a_wrong_password_is_seen_as_down(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{prometheus: '{hashed('s3cret')}'}}\n")
    with running(tmp_path, tmp_path / "web.yml") as port:
        scrape = (
            f"  basic_auth: {{username: prometheus, password: wrong}}\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
        )
        with prometheus(tmp_path, scrape) as at:
            until(lambda: query(at, "up == 0"))
