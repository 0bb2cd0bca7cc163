"""One site for all tests here, on a cluster of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cluster.conftest import SHARED, labs
from tests.cluster.site.common import Site, site


@pytest.fixture(scope="package", name="site")
def running_site(lab_folders: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three nodes, the agent, nginx, Prometheus and Alertmanager."""
    with labs(lab_folders) as start, site(start(*SHARED), tmp_path_factory.mktemp("site")) as one:
        yield one
