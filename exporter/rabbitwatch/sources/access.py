"""How one node is reached: its address, the address of its metrics plugin, its cookie file and its command."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rabbitwatch.clients.http import Endpoint, Login
from rabbitwatch.config.models import ClusterConfig, NodeConfig

PLUGIN_PORT = 15692


@dataclass(frozen=True, slots=True)
class Access:
    """command: the diagnostics command with its prefix; empty switches it off. beside: the command runs on the node's
    own host, so that what it says about its surroundings (cookie sources) is said of the node's."""

    url: str
    api: Endpoint
    plugin: Endpoint
    cookie_file: Path | None
    command: tuple[str, ...]
    beside: bool


class AccessBook:
    """Makes the accesses of one cluster from its configuration."""

    def __init__(self, cluster: ClusterConfig) -> None:
        self._cluster = cluster
        self._login = Login(cluster.username, cluster.password.get_secret_value())

    def configured(self, node: NodeConfig) -> Access:
        """The access of a node that the configuration lists."""
        own = node.diagnostics is not None
        return Access(
            url=node.url,
            api=self._api(node.url),
            plugin=self._plugin(node.plugin_url or _plugin_url(node.url)),
            cookie_file=node.cookie_file,
            command=node.diagnostics if node.diagnostics is not None else self._cluster.diagnostics,
            beside=own or is_here(urlsplit(node.url).hostname or ""),
        )

    def discovered(self, name: str) -> Access:
        """The access of a node that another one told of, from its Erlang name alone."""
        url = self.url_of(name)
        return Access(
            url=url,
            api=self._api(url),
            plugin=self._plugin(_plugin_url(url)),
            cookie_file=None,
            command=self._cluster.diagnostics,
            beside=is_here(urlsplit(url).hostname or ""),
        )

    def url_of(self, name: str) -> str:
        """`url_template`, or the scheme, port and path of the first address, with the host part of the node's name."""
        host = _bracketed(name.partition("@")[2])
        if self._cluster.url_template is not None:
            return self._cluster.url_template.replace("{host}", host).rstrip("/")
        first = urlsplit(self._cluster.nodes[0].url)
        port = f":{first.port}" if first.port else ""
        return f"{first.scheme}://{host}{port}{first.path}".rstrip("/")

    def _api(self, url: str) -> Endpoint:
        hint = "is the node down, or its management plugin off (rabbitmq-plugins enable rabbitmq_management)?"
        return Endpoint(url, tls=self._cluster.tls, login=self._login, hint=hint)

    def _plugin(self, url: str) -> Endpoint:
        hint = "is the metrics plugin off (rabbitmq-plugins enable rabbitmq_prometheus)?"
        return Endpoint(url, tls=self._cluster.tls, hint=hint)


def is_here(host: str) -> bool:
    """The name or address means this machine. Nothing is resolved: that could hang."""
    if host.lower() in {"localhost", socket.gethostname().lower()}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_and_port(url: str) -> str:
    """What a node is called until it has told its name."""
    return urlsplit(url).netloc


def _plugin_url(url: str) -> str:
    return f"http://{_bracketed(urlsplit(url).hostname or '')}:{PLUGIN_PORT}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
