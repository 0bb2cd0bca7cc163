"""Leases that would not keep two agents apart, or lead nowhere, are refused when the file is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.config.loading import load
from rabbitwatch.errors import ConfigFileError

ONE = "clusters: [{name: a, nodes: [{url: 'http://a:1'}]}]\n"
TWO = "clusters: [{name: a, nodes: [{url: 'http://a:1'}]}, {name: b, nodes: [{url: 'http://b:1'}]}]\n"
UNNAMED = "clusters: [{nodes: [{url: 'http://a:1'}]}]\n"


def actions(lease: str) -> str:
    return f"actions: {{username: repairs, password: x, lease: {{{lease}}}}}\n"


@pytest.mark.parametrize(
    ("clusters", "lease", "complaint"),
    [
        (UNNAMED, "kind: file", "lease.kind file needs a name for every cluster: all agents must call it the same"),
        (UNNAMED, "kind: kubernetes", "lease.kind kubernetes needs a name for every cluster"),
        (TWO, "urls: ['amqp://lb']", "lease.urls needs {host} where there are several clusters"),
        (ONE, "urls: []", "must not be empty"),
        (ONE, "urls: ['http://a:5672']", "an AMQP address is written like amqp://rabbit1:5672"),
        (ONE, "urls: ['amqp://a:5672/ops']", "must not hold a vhost: it has a key of its own"),
        (ONE, "urls: ['amqp://u:s3cret@a:5672']", "must not hold a user or a password"),
        (ONE, "urls: ['amqp://a:notaport']", "is no address; write it like amqp://rabbit1:5672"),
        (ONE, "urls: ['amqp://']", "is no address; write it like amqp://rabbit1:5672"),
        (ONE, "kind: zookeeper", "lease.kind"),
        (ONE, "name: 'a b'", "lease.name"),
        (ONE, "vhost: ''", "lease.vhost"),
        (ONE, "kind: kubernetes, namespace: A_B", "lease.namespace"),
        (ONE, "kind: kubernetes, duration: 5s", "lease.duration"),
        (ONE, "kind: kubernetes, server: 'k8s:443'", "is no address; write it like https://10.96.0.1:443"),
    ],
)
def test_it_is_refused_and_says_what_helps(tmp_path: Path, clusters: str, lease: str, complaint: str) -> None:
    file = tmp_path / "c.yml"
    file.write_text(clusters + actions(lease))
    with pytest.raises(ConfigFileError) as caught:
        load(file, environment={})
    assert complaint in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("clusters", "lease"),
    [
        (UNNAMED, ""),
        (TWO, "urls: ['amqps://{host}']"),
        (ONE, "urls: ['amqp://lb:5672']"),
        (TWO, "kind: file, path: locks"),
    ],
)
def test_it_loads(tmp_path: Path, clusters: str, lease: str) -> None:
    (tmp_path / "c.yml").write_text(clusters + actions(lease))
    loaded = load(tmp_path / "c.yml", environment={}).config.actions.lease
    if "path" in lease:
        assert loaded.path == tmp_path / "locks"


def test_where_nothing_can_act_no_lease_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(UNNAMED + "actions: {lease: {kind: file}}\n")
    assert load(tmp_path / "c.yml", environment={}).config.actions.lease.kind == "file"
