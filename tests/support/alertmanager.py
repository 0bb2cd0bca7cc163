"""An Alertmanager of Debian's, started on a free port of the loopback with a folder of its own, ended by its pid."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.support.servers import free_port, running

ALERTMANAGER = shutil.which("prometheus-alertmanager")
AMTOOL = shutil.which("amtool")


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One running server. pid: of its process."""

    url: str
    pid: int


@contextlib.contextmanager
def alertmanager(folder: Path, settings: Mapping[str, Any]) -> Iterator[Alertmanager]:
    """A server with its data, log and this configuration in the folder, alone (no gossip)."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "alertmanager.yml"
    config.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(ALERTMANAGER),
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with running("alertmanager", command, f"http://{address}", folder / "log") as pid:
        yield Alertmanager(f"http://{address}", pid)
