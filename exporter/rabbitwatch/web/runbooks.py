"""/runbooks: the shipped runbooks as pages, so that whoever was woken reads what to do one click from the notice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from anyio import to_thread
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rabbitwatch import assets
from rabbitwatch.notify.runbook import PAGES
from rabbitwatch.web.pages import page, stylesheet_route

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


class RunbookPages:
    """A list, and a page for every file NAME.md that the folder has when the agent starts: no name that a client sends
    becomes a path. Each is rendered when it is first asked for, and kept."""

    def __init__(self, folder: Path | None = None) -> None:
        files = (folder or assets.shipped("runbooks")).glob("*.md")
        self._files = {path.stem: path for path in sorted(files)}
        self._rendered = lru_cache(maxsize=None)(self._render)  # as many as there are files

    def routes(self) -> Sequence[BaseRoute]:
        """The list, the pages and their stylesheet. `.md` may follow a name, so that links between the files hold."""
        return [stylesheet_route(), Route(PAGES, self._list), Route(f"{PAGES}/{{name}}", self._show)]

    async def _list(self, _: Request) -> Response:
        return page("runbooks.html.j2", names=list(self._files))

    async def _show(self, request: Request) -> Response:
        name = request.path_params["name"].removesuffix(".md")
        if name not in self._files:
            return page("no_runbook.html.j2", 404, root="../", name=name)
        content = await to_thread.run_sync(self._rendered, name)
        return page("runbook.html.j2", root="../", name=name, content=content)

    def _render(self, name: str) -> Markup:
        text = self._files[name].read_text(encoding="utf-8")
        return Markup(_MARKDOWN.render(text))  # noqa: S704 - our own file, and HTML in it is escaped
