"""The web server as a part of the program that takes a new configuration over, or a change of its files on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog
from starlette.types import ASGIApp

from rabbitwatch.config.change import Change
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.webfile import WebFile, read_web_file
from rabbitwatch.errors import ConfigError, RabbitwatchError
from rabbitwatch.web.server import Entrance, entrance

_log = structlog.get_logger(__name__)

_State = tuple[object, ...]


class WebPart:
    """Keeps the entrance in step with web.yml and the certificates that it names.

    replace: lets a new entrance take over, as HttpServer.replace does.
    """

    def __init__(self, app: ASGIApp, loaded: Loaded, replace: Callable[[Entrance], None]) -> None:
        self._app = app
        self._replace = replace
        self._listen = loaded.config.web.listen
        self._path = loaded.web_path
        self._seen = _state(self._path, loaded.web)
        self._files = _files(self._path, loaded.web)

    def prepare(self, loaded: Loaded) -> Change:
        """See config.change.Prepare."""
        if loaded.config.web.listen != self._listen:
            raise ConfigError(
                f"web.listen cannot change at a reload, from {self._listen} to {loaded.config.web.listen}: "
                "restart to apply it"
            )
        state = _state(loaded.web_path, loaded.web)
        made = entrance(self._app, loaded.web)

        def commit() -> None:
            self._path = loaded.web_path
            self._files = _files(loaded.web_path, loaded.web)
            if state != self._seen:
                self._seen = state
                self._replace(made)

        return Change(commit)

    def look(self) -> None:
        """Take over what has changed on disk since the last look; what cannot be used is logged once and left."""
        if self._path is None:
            return
        now = tuple(map(_stamp, self._files))
        if now == self._seen[1:]:
            return
        try:
            web = read_web_file(self._path)
            made = entrance(self._app, web)
        except RabbitwatchError as error:
            self._seen = (self._seen[0], *now)
            _log.error("the web configuration changed on disk and cannot be used: the old one stays", reason=str(error))
            return
        self._files = _files(self._path, web)
        self._seen = _state(self._path, web)
        self._replace(made)
        _log.info("took over the web configuration and certificates that changed on disk", file=str(self._path))


def _files(path: Path | None, web: WebFile | None) -> tuple[Path, ...]:
    return () if path is None or web is None else (path, *web.certificate_files)


def _state(path: Path | None, web: WebFile | None) -> _State:
    return (web, *map(_stamp, _files(path, web)))


def _stamp(file: Path) -> tuple[int, ...]:
    """Changes whenever the file does, also when a link that leads to it is pointed elsewhere."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino)
