"""One browser for all tests here; each test opens pages of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser
from tests.browser.scenes import Scene
from tests.browser.stage import Served, staged
from tests.support.chromium import Looking, browsing
from tests.unit.web.actions.repairs import FakeRepairs

Serve = Callable[..., Served]


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A chromium. It ends with this folder's tests, for while it runs there is an event loop in this thread, and no
    other test can run one."""
    with browsing(tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.fixture
def looking(browser: Browser) -> Iterator[Looking]:
    """Opens pages, which are closed with the test."""
    looking = Looking(browser)
    yield looking
    looking.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the agent's pages over a scene until the test ends."""
    with ExitStack() as ending:

        def start(scene: Scene, repairs: FakeRepairs | None = None) -> Served:
            return ending.enter_context(staged(scene, repairs))

        yield start
