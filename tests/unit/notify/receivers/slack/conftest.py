"""A Slack of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.slackserver import SlackServer


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server
