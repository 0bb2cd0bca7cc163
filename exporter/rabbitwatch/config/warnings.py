"""What a configuration may do and had better not; `check config` prints these, and `run` logs them once."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from rabbitwatch.config import bindings
from rabbitwatch.config.finishing import secrets
from rabbitwatch.config.models import ClusterConfig, Config
from rabbitwatch.config.notices import RouteConfig
from rabbitwatch.config.webfile import WebFile

_LOCAL = {"localhost", "127.0.0.1", "::1"}
_PUBLIC = "guest"
"""The password that every broker begins with, which is no secret."""


def warnings(config: Config, path: Path | None, web: WebFile | None) -> Iterator[str]:
    """One line for each; none holds a secret."""
    for cluster in config.clusters:
        yield from _cluster(cluster)
        if config.actions.username == cluster.username:
            yield f"{cluster.label}: {cluster.username!r} polls and acts: a user with the tag monitoring can poll"
    yield from _receivers(config)
    yield from bindings.warnings(config.actions, peer=config.notify.peer is not None)
    for file in filter(None, (path, config.notify.alertmanager_file)):
        if readable_by_all(file) and _holds_a_secret(file, config):
            yield f"{file} holds a secret and everybody on this machine can read it: chmod o-r, or use the key's _file"
    for file in sorted(set(_files(config))):
        if readable_by_all(file):
            yield f"everybody on this machine can read {file}: chmod o-r"
    if web is not None and web.http_server_config.http2_asked:
        yield "http_server_config.http2: HTTP/1.1 is served all the same; clients agree on it by themselves"
    if web is not None and web.tls_server_config and readable_by_all(web.tls_server_config.key_file):
        yield f"{web.tls_server_config.key_file} is a private key and everybody on this machine can read it: chmod o-r"


def _holds_a_secret(path: Path, config: Config) -> bool:
    """Whether a secret stands in the file itself: one from a variable or a file of its own does not."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return any(secret != _PUBLIC and secret in text for secret in secrets(config) if secret)


def _files(value: object) -> Iterator[Path]:
    """Files that secrets are read from; those of clusters have a line of their own."""
    if isinstance(value, BaseModel) and not isinstance(value, ClusterConfig):
        for name, info in type(value).model_fields.items():
            file = getattr(value, f"{name}_file", None)
            if isinstance(file, Path) and SecretStr in {info.annotation, *get_args(info.annotation)}:
                yield file
            yield from _files(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _files(item)


def _receivers(config: Config) -> Iterator[str]:
    """Of receivers that no route leads to. One of them has its use where a single other tells anybody: the agent says
    there that the other fails (notify/routing.py)."""
    used = set(_used(config.route)) if config.route else set()
    telling = [receiver.name for receiver in config.receivers if receiver.tells]
    idle = [name for name in telling if name not in used]
    reserve = idle[:1] if len(telling) - len(idle) == 1 else []
    for name in idle:
        if name not in reserve:
            yield f"receiver {name}: no route leads to it"


def _used(route: RouteConfig) -> Iterator[str]:
    if route.receiver:
        yield route.receiver
    for child in route.routes:
        yield from _used(child)


def _cluster(cluster: ClusterConfig) -> Iterator[str]:
    name = cluster.label
    if not cluster.tls.verify and any(node.url.startswith("https") for node in cluster.nodes):
        yield f"cluster {name}: tls.verify is off: anybody in between can read the password; set tls.ca_file instead"
    if cluster.password_file and readable_by_all(cluster.password_file):
        yield f"cluster {name}: everybody on this machine can read {cluster.password_file}: chmod o-r"
    remote = [node.url for node in cluster.nodes if urlsplit(node.url).hostname not in _LOCAL]
    if cluster.username == "guest" and remote:
        yield f"cluster {name}: guest may log in from the broker's own machine only: {remote[0]} may refuse it"


def readable_by_all(path: Path) -> bool:
    """Whether others than the owner and the group may read this file; False where that cannot be told."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
