"""The routes of Alertmanager's API v2, each with its work: answered beside the event loop, errors as Alertmanager's."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.config.models import Config
from rabbitwatch.errors import SilenceError, SilenceNotFoundError, StorageError
from rabbitwatch.notify.ports import Book
from rabbitwatch.notify.silences import Silences
from rabbitwatch.web.alertmanager import documents, drafts
from rabbitwatch.web.alertmanager.asking import Wanted, matchers
from rabbitwatch.web.alertmanager.original import receivers
from rabbitwatch.web.alertmanager.reply import WRONG_TYPE, RefusedError, Reply, coded, encoded, failure, not_allowed
from rabbitwatch.web.alertmanager.status import status
from rabbitwatch.web.guard import Guard
from rabbitwatch.web.prometheus.reply import compressed, response

PREFIX = "/api/v2"

_ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_CHANGING = {"POST", "DELETE"}

Work = Callable[[Request, bytes], Reply]


class AlertmanagerApi:
    """Alertmanager's API v2; `routes()` goes to the application.

    config: the configuration as it is now. now: seconds since the epoch.
    """

    def __init__(
        self,
        book: Book,
        silences: Silences,
        config: Callable[[], Config],
        guard: Guard,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._book = book
        self._silences = silences
        self._config = config
        self._guard = guard
        self._now = now
        self._started = now()

    def routes(self) -> Sequence[BaseRoute]:
        """All routes; a path that the API does not know is a 404 in its own form."""
        work: dict[str, Mapping[str, Work]] = {
            "/status": {"GET": self._status},
            "/receivers": {"GET": self._receivers},
            "/alerts": {"GET": self._alerts, "POST": self._no_alerts},
            "/alerts/groups": {"GET": self._groups},
            "/silences": {"GET": self._list, "POST": self._set},
            "/silence/{id}": {"GET": self._get, "DELETE": self._expire},
            "/{rest:path}": {},
        }
        return [Route(PREFIX + path, self._endpoint(each), methods=_ANY_METHOD) for path, each in work.items()]

    def _endpoint(self, by_method: Mapping[str, Work]) -> Callable[..., object]:
        async def answer(request: Request) -> Response:
            try:
                work = self._chosen(request, by_method)
                body = await request.body()
                content, gzipped = await to_thread.run_sync(lambda: compressed(request, _content(work, request, body)))
            except RefusedError as error:
                return failure(error)
            return response(content, gzipped=gzipped) if content else Response(headers={"cache-control": "no-store"})

        return answer

    def _chosen(self, request: Request, by_method: Mapping[str, Work]) -> Work:
        """The work that the method asks for; RefusedError where the client may not, or asks in a way a page could."""
        method = request.method
        if not by_method:
            raise coded(404, f"path {request.url.path} was not found")
        work = by_method.get("GET" if method == "HEAD" else method)
        if work is None:
            raise not_allowed(method, list(by_method))
        if method in _CHANGING:
            refused = self._guard.refusal(request)
            if refused:
                raise RefusedError(403, refused)
        if method == "POST":
            _check_json(request)
        return work

    def _status(self, _: Request, __: bytes) -> Reply:
        return Reply(status(self._config(), self._started))

    def _receivers(self, _: Request, __: bytes) -> Reply:
        return Reply([{"name": name} for name in receivers(self._config())])

    def _alerts(self, request: Request, _: bytes) -> Reply:
        wanted, now = Wanted.of(request.query_params), self._now()
        found = [each for each in self._book.alerts() if wanted.takes(each, now) and wanted.heard(each.receivers)]
        return Reply([documents.alert(each, now) for each in sorted(found, key=lambda each: each.alert.fingerprint)])

    def _groups(self, request: Request, _: bytes) -> Reply:
        wanted, now = Wanted.of(request.query_params), self._now()
        found = []
        for group in self._book.groups():
            alerts = (
                [each for each in group.alerts if wanted.takes(each, now)] if wanted.heard([group.receiver]) else []
            )
            if alerts:
                found.append(documents.group(group, alerts, wanted.receiver, now))
        return Reply(sorted(found, key=lambda each: (sorted(each["labels"].items()), each["receiver"]["name"])))

    def _no_alerts(self, _: Request, __: bytes) -> Reply:
        raise RefusedError(
            400,
            "rabbitwatch takes no alerts from outside: they come from its own rules (rules.files); "
            "send this one to an Alertmanager",
        )

    def _list(self, request: Request, _: bytes) -> Reply:
        """A silence is found by exactly the matchers that it has, as Alertmanager finds it."""
        wanted, now = set(matchers(request.query_params.getlist("filter"))), self._now()
        found = [silence for silence in self._silences.all() if wanted <= set(silence.matchers)]
        return Reply([documents.silence(each, now) for each in found])

    def _set(self, _: Request, body: bytes) -> Reply:
        draft = drafts.read(body)
        try:
            return Reply({"silenceID": self._silences.set(draft).id})
        except SilenceNotFoundError:
            raise RefusedError(404, "silence not found") from None
        except SilenceError as error:
            raise RefusedError(400, str(error)) from None

    def _get(self, request: Request, _: bytes) -> Reply:
        try:
            return Reply(documents.silence(self._silences.get(_silence_id(request)), self._now()))
        except SilenceNotFoundError:
            raise RefusedError(404, None) from None

    def _expire(self, request: Request, _: bytes) -> Reply:
        """Refused with 500 as in Alertmanager 0.25, whose amtool shows the text of no other status."""
        try:
            self._silences.expire(_silence_id(request))
        except SilenceNotFoundError:
            raise RefusedError(500, "silence not found") from None
        return Reply()


def _content(work: Work, request: Request, body: bytes) -> bytes:
    """What is sent; RefusedError also where the database fails."""
    try:
        reply = work(request, body)
    except StorageError as error:
        raise RefusedError(500, f"nothing was changed: {error}") from None
    return b"" if reply.body is None else encoded(reply.body)


def _check_json(request: Request) -> None:
    """A form of another site's page cannot send this content type; go-swagger asks for it too."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise coded(415, f'unsupported media type "{kind}", only [application/json] are allowed')


def _silence_id(request: Request) -> str:
    text: str = request.path_params["id"]
    try:
        return str(UUID(text))
    except ValueError:
        raise coded(422, f'silenceID in path must be of type uuid: "{text}"', WRONG_TYPE) from None
