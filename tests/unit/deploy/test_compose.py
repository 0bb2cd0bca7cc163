"""The example site: what docker-compose.yml names is there, and each program takes its file.

No container is started, since no engine runs where these tests do; tests/cluster/site runs the same files with
Debian's programs on a real cluster.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rabbitwatch.config.loading import load

TOP = Path(__file__).resolve().parents[3]
DEPLOY = TOP / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((TOP / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
STREAM = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+(-[\w.-]+)?")


def needs(program: str) -> str:
    """The program's path; skips where it is missing."""
    found = shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def ran(*argv: str | Path) -> str:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, cwd=TOP, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_docker_compose_takes_it() -> None:
    told = yaml.safe_load(ran(needs("docker-compose"), "-f", TOP / "docker-compose.yml", "config"))
    assert set(told["services"]) == set(SERVICES)


def test_the_site_is_whole() -> None:
    assert set(SERVICES) == {
        "rabbit1", "rabbit2", "rabbit3", "setup", "nginx", "rabbitwatch", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_one_exact_version(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"])


def test_the_agents_image_builds_on_exact_versions_and_from_what_is_there() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert bases
    assert all(PINNED.fullmatch(base) for base in bases)
    for line in lines:
        if line.startswith("COPY ") and "--from" not in line:
            assert all((TOP / source).exists() for source in line.split()[1:-1]), line


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_mounts_is_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume.partition(":")[0]
        assert (TOP / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume


def test_secrets_are_files_that_the_script_makes_and_git_ignores(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "compose/secrets", tmp_path)
    ran("sh", tmp_path / "secrets")
    made = {path.name: path.read_text() for path in (tmp_path / "secrets.d").iterdir()}
    assert {f"./deploy/compose/secrets.d/{name}" for name in made} == {
        secret["file"] for secret in COMPOSE["secrets"].values()
    }
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in made.values())
    ran("sh", tmp_path / "secrets")
    assert {path.name: path.read_text() for path in (tmp_path / "secrets.d").iterdir()} == made
    assert "/deploy/compose/secrets.d/" in (TOP / ".gitignore").read_text().splitlines()
    for service in SERVICES.values():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert not re.search("cookie|password|token", str(service.get("environment", "")), re.IGNORECASE)


@pytest.mark.parametrize("script", ["node.sh", "setup.sh", "secrets"])
def test_a_script_can_be_read_and_run(script: str) -> None:
    path = DEPLOY / "compose" / script
    ran("sh", "-n", path)
    assert path.stat().st_mode & 0o111


def test_the_agent_takes_its_configuration(tmp_path: Path) -> None:
    for name in COMPOSE["secrets"]:
        (tmp_path / name).write_text("secret")
    text = (DEPLOY / "compose/rabbitwatch.yml").read_text().replace("/run/secrets/", f"{tmp_path}/")
    (tmp_path / "rabbitwatch.yml").write_text(text)
    config = load(tmp_path / "rabbitwatch.yml").config
    assert [node.type for node in config.clusters[0].nodes] == ["disc", "disc", "ram"]


def test_prometheus_takes_its_configuration() -> None:
    ran(needs("promtool"), "check", "config", "--syntax-only", DEPLOY / "prometheus/prometheus.yml")


def test_alertmanager_takes_its_configuration() -> None:
    ran(needs("amtool"), "check-config", DEPLOY / "alertmanager/alertmanager.yml")


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    nginx = needs("nginx")
    if not STREAM.exists():
        pytest.skip("nginx has no stream module: libnginx-mod-stream is not installed")
    text = (DEPLOY / "nginx/nginx.conf").read_text()
    assert re.findall(r"server (\S+) max_fails=3 fail_timeout=10s;", text) == [f"rabbit{n}:5672" for n in (1, 2, 3)]
    local = re.sub(r"rabbit(\d):", r"127.0.0.\1:", text).replace("/tmp/nginx.pid", f"{tmp_path}/pid")
    (tmp_path / "nginx.conf").write_text(f"load_module {STREAM};\n{local}")
    ran(nginx, "-t", "-q", "-e", tmp_path / "errors", "-c", tmp_path / "nginx.conf")


def test_grafana_is_given_what_its_provisioning_asks_for() -> None:
    asked = set()
    for path in (DEPLOY / "grafana/provisioning").rglob("*.yml"):
        assert yaml.safe_load(path.read_text())["apiVersion"] == 1
        asked |= set(re.findall(r"\$\{(\w+)\}", path.read_text()))
    environment = SERVICES["grafana"]["environment"]
    assert asked <= set(environment)
    home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (TOP / "dashboards" / Path(home).name).exists()
    assert home.startswith(environment["RABBITWATCH_DASHBOARDS"])
