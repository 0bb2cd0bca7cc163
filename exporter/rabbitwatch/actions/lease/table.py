"""Every kind of lease, by its name in the configuration. A new kind is one file and one line here."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from rabbitwatch.actions.lease.broker import broker_grip
from rabbitwatch.actions.lease.file import file_grip
from rabbitwatch.actions.lease.keeper import Grip, Keeper
from rabbitwatch.actions.lease.kubernetes import kubernetes_grip
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.models import ClusterConfig

Make = Callable[[ClusterConfig, ActionsConfig, Path, str], Grip]
"""Cluster, actions, storage.path, and who holds it, for people and other agents to read."""

KINDS: Mapping[str, Make] = {"broker": broker_grip, "kubernetes": kubernetes_grip, "file": file_grip}


def lease_for(cluster: ClusterConfig, actions: ActionsConfig, storage: Path, agent: str) -> Keeper:
    """The lease of one cluster, as a ports.Lease; nothing is asked before its `begin`.

    storage: storage.path. agent: the agent's id. The configuration has been checked (LeaseConfig.flaw).
    """
    holder = f"agent {agent} (host {socket.gethostname()}, process {os.getpid()})"
    return Keeper(KINDS[actions.lease.kind](cluster, actions, storage, holder))
