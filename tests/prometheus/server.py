"""A Prometheus of Debian's, started on a free port of the loopback with a folder of its own, and ended by its pid."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
import yaml
from tests.prometheus.remotewrite import HEADERS
from tests.support.servers import free_port, running

PROMETHEUS = shutil.which("prometheus")


class Prometheus:
    """One running server. pid: of its process."""

    def __init__(self, url: str, pid: int, config: Path) -> None:
        self.url = url
        self.pid = pid
        self._config = config
        self._session = requests.Session()

    def write(self, body: bytes) -> None:
        """Take the body of a remote-write request."""
        got = self._session.post(f"{self.url}/api/v1/write", body, headers=HEADERS, timeout=120)
        assert got.status_code in {200, 204}, f"{got.status_code} {got.text[:300]}"

    def ask(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The whole answer of an API call, good or bad."""
        return self._session.post(f"{self.url}/api/v1{path}", data=params, timeout=60).json()

    def get(self, path: str) -> Any:
        """The data of a GET."""
        got = self._session.get(f"{self.url}/api/v1{path}", timeout=60).json()
        assert got["status"] == "success", got
        return got["data"]

    def page(self) -> str:
        """Its own metrics."""
        return self._session.get(f"{self.url}/metrics", timeout=60).text

    def reload(self, settings: Mapping[str, Any]) -> None:
        """Go on with this configuration."""
        self._config.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
        got = self._session.post(f"{self.url}/-/reload", timeout=60)
        assert got.status_code == requests.codes.ok, got.text


@contextlib.contextmanager
def prometheus(folder: Path, settings: Mapping[str, Any]) -> Iterator[Prometheus]:
    """A server with its data, log and this configuration in the folder, which takes remote writes and reloads."""
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(PROMETHEUS),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
    ]
    with running("prometheus", command, f"http://{address}", folder / "log") as pid:
        yield Prometheus(f"http://{address}", pid, config)
