"""A served API of repairs, and the commands that ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from tests.unit.web.actions.repairs import NOW, FakeRepairs, busy
from tests.unit.web.serving import serving

from rabbitwatch.cli import main
from rabbitwatch.web.actions.api import ActionsApi
from rabbitwatch.web.guard import Guard


class Agent:
    """The commands see the repairs through HTTP."""

    def __init__(self, repairs: FakeRepairs, url: str) -> None:
        self.repairs = repairs
        self.url = url

    def run(self, *arguments: str, url: str = "") -> int:
        """The exit code."""
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--url", url or self.url])
        code = ended.value.code
        assert isinstance(code, int)
        return code


@contextmanager
def agent() -> Iterator[Agent]:
    """An agent with one of each in it."""
    repairs = busy()
    app = Starlette(routes=ActionsApi(repairs, Guard(), now=lambda: NOW).routes())
    with serving(app) as server:
        yield Agent(repairs, f"http://127.0.0.1:{server.port}")
