from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.web.prometheus.served import Client, an_api, served


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A client of an API over `a_window()` and no rules."""
    with served(an_api()) as asked:
        yield asked
