"""The real pollers: one a cluster, all with one runner, so that few Erlang VMs are started at once."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rabbitwatch.clients.command import CommandRunner
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.sources.poll import ClusterPoller


class Pollers:
    """Makes pollers as long as it is entered; at the end every command that still runs is ended with its children."""

    def __init__(self) -> None:
        self._runner = CommandRunner()

    def __call__(self, cluster: ClusterConfig, poll: PollConfig) -> ClusterPoller:
        return ClusterPoller(cluster, poll, self._runner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.close()
