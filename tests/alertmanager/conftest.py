"""What hands alerts to the Alertmanager that a module starts as its fixture `server`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.alertmanager import Alertmanager

from rabbitwatch.config.notices import AlertmanagerConfig
from rabbitwatch.notify.push import Push


@pytest.fixture
def push(server: Alertmanager) -> Iterator[Push]:
    made = Push([AlertmanagerConfig(url=server.url)], interval=15)
    yield made
    made.close(10)
