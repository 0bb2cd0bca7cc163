"""The site of docker-compose.yml without containers: its own files, with addresses and folders put in, run by Debian's
programs on a lab's three nodes."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from tests.cluster.conftest import TOP, Lab
from tests.support.agents import AgentProcess
from tests.support.alertmanager import ALERTMANAGER
from tests.support.servers import free_port, running

DEPLOY = TOP / "deploy"
NODES = ("rabbit1", "rabbit2", "rabbit3")
SECRETS = ("monitor_password", "repair_password", "app_password", "webhook_token")
PROGRAMS = {"prometheus": shutil.which("prometheus"), "prometheus-alertmanager": ALERTMANAGER}
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
STREAM = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
_NGINX_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Site:
    """Addresses of everything. secrets: by name. folder: where logs and configurations are."""

    lab: Lab
    folder: Path
    secrets: dict[str, str]
    agent: AgentProcess
    amqp_port: int
    prometheus: str
    alertmanager: str

    def ask(self, url: str, path: str, **parameters: str) -> Any:
        """The decoded answer of an API like Prometheus', errors included."""
        return requests.get(f"{url}{path}", params=parameters, timeout=60).json()

    def figure(self, url: str, metric: str) -> float:
        """The sum of a server's own metric over its labels; 0 before there is any."""
        page = requests.get(f"{url}/metrics", timeout=60).text
        return sum(float(value) for value in re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", page, re.MULTILINE))


def lacking() -> str | None:
    """Which program is missing here, None when all are there."""
    missing = [name for name, path in {**PROGRAMS, "nginx": NGINX}.items() if path is None]
    if not STREAM.exists():
        missing.append("libnginx-mod-stream")
    return f"not installed: {', '.join(missing)}" if missing else None


@contextmanager
def site(lab: Lab, folder: Path) -> Iterator[Site]:
    """All of it, running. What is set up in the cluster stays."""
    reason = lacking()
    if reason:
        pytest.skip(reason)
    with ExitStack() as ending:
        secrets = _secrets(folder)
        set_up(lab, folder)
        agent = ending.enter_context(AgentProcess(folder / "agent"))
        prometheus, alertmanager = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        amqp_port = ending.enter_context(_nginx(lab, folder))
        ending.enter_context(_alertmanager(folder, alertmanager, agent.port))
        _start_agent(lab, agent, folder, alertmanager)
        ending.enter_context(_prometheus(folder, prometheus, alertmanager, agent.port))
        yield Site(lab, folder, secrets, agent, amqp_port, f"http://{prometheus}", f"http://{alertmanager}")


def _secrets(folder: Path) -> dict[str, str]:
    """As deploy/compose/secrets makes them. For brokers, which run as a user of their own, to read as well."""
    place = folder / "secrets"
    place.mkdir()
    secrets = {name: f"{name}-of-this-test" for name in SECRETS}
    for name, value in secrets.items():
        (place / name).write_text(value)
    return secrets


def set_up(lab: Lab, folder: Path) -> None:
    """What the service `setup` does: users and the policy."""
    script = folder / "setup.sh"
    script.write_text(_at_home(DEPLOY / "compose/setup.sh", folder))
    lab.run("exec", "rabbit1", "--", "sh", str(script))


def _at_home(file: Path, folder: Path) -> str:
    """The file's text with the secrets of this folder."""
    return file.read_text().replace("/run/secrets/", f"{folder / 'secrets'}/")


def _nodes_put_in(text: str, lab: Lab) -> str:
    for name in NODES:
        node = lab.node(name)
        text = text.replace(f"http://{name}:15672", node["url"])
        text = text.replace(f"{name}:5672", f"{node['address']}:{node['amqp_port']}")
    return text


@contextmanager
def _nginx(lab: Lab, folder: Path) -> Iterator[int]:
    """AMQP's one address: the port."""
    port = free_port()
    text = _nodes_put_in((DEPLOY / "nginx/nginx.conf").read_text(), lab)
    text = text.replace("listen 5672;", f"listen 127.0.0.1:{port};").replace("/tmp/nginx.pid", f"{folder}/nginx.pid")
    config = folder / "nginx.conf"
    config.write_text(f"load_module {STREAM};\n{text}")
    command = [str(NGINX), "-e", str(folder / "nginx.log"), "-c", str(config), "-g", "daemon off;"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until_listening = time.monotonic() + _NGINX_WITHIN_S
        while not (folder / "nginx.pid").exists():
            assert process.poll() is None, (folder / "nginx.log").read_text()
            assert time.monotonic() < until_listening, "nginx did not start"
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _prometheus(folder: Path, address: str, alertmanager: str, agent_port: int) -> Iterator[None]:
    text = (DEPLOY / "prometheus/prometheus.yml").read_text()
    text = text.replace("/etc/prometheus/rules/", f"{TOP}/rules/").replace("alertmanager:9093", alertmanager)
    config = folder / "prometheus.yml"
    config.write_text(text.replace("rabbitwatch:9419", f"127.0.0.1:{agent_port}"))
    command = [
        str(PROGRAMS["prometheus"]),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={address}",
    ]
    with running("prometheus", command, f"http://{address}", folder / "prometheus.log"):
        yield


@contextmanager
def _alertmanager(folder: Path, address: str, agent_port: int) -> Iterator[None]:
    text = _at_home(DEPLOY / "alertmanager/alertmanager.yml", folder)
    config = folder / "alertmanager.yml"
    config.write_text(text.replace("rabbitwatch:9419", f"127.0.0.1:{agent_port}"))
    command = [
        str(ALERTMANAGER),
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with running("alertmanager", command, f"http://{address}", folder / "alertmanager.log"):
        yield


def _start_agent(lab: Lab, agent: AgentProcess, folder: Path, alertmanager: str) -> None:
    """As deploy/compose/rabbitwatch.yml says, at its intervals, on a port of the test's."""
    text = _nodes_put_in(_at_home(DEPLOY / "compose/rabbitwatch.yml", folder), lab)
    text = text.replace("alertmanager:9093", alertmanager).replace("path: /data", "path: data")
    settings = yaml.safe_load(text) | {"web": {"listen": f"127.0.0.1:{agent.port}"}}
    (agent.folder / "rabbitwatch.yml").write_text(yaml.safe_dump(settings))
    agent.start()
