"""One Prometheus and one served window with the same samples, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.prometheus.feed import window_of, write
from tests.prometheus.hour import END, Poll, polls
from tests.prometheus.server import PROMETHEUS, Prometheus, prometheus
from tests.unit.web.prometheus.served import Client, make_engine, served

from rabbitwatch.web.prometheus import PrometheusApi


@pytest.fixture(scope="session")
def hour() -> list[Poll]:
    """All polls."""
    return list(polls())


@pytest.fixture(scope="session")
def original(hour: list[Poll], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that holds them."""
    if PROMETHEUS is None:
        pytest.skip("prometheus is not installed (Debian package prometheus)")
    with prometheus(tmp_path_factory.mktemp("prometheus"), {"global": {"evaluation_interval": "1m"}}) as server:
        write(hour, server)
        yield server


@pytest.fixture(scope="session")
def agent(hour: list[Poll]) -> Iterator[Client]:
    """A client of the agent's API over a window that holds them."""
    with served(PrometheusApi(window_of(hour), make_engine, now=lambda: float(END))) as client:
        yield client
