"""Socket Mode: who clicked on what, over a connection that the agent opens itself; nothing is listened on.

One connection an app token. slack-sdk's built-in client speaks the protocol; when to connect again is decided here,
for slack-sdk would ask for a new address every few seconds, and Slack allows one a minute or so. Clicks are
acknowledged at once, as Slack wants it within three seconds, and worked off one after the other by a thread.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from rabbitwatch.notify.receivers.pace import pause
from rabbitwatch.notify.receivers.slack.api import MUTE, SlackApi, SlackError
from rabbitwatch.notify.receivers.slack.clicks import Click, Handler, clicks

_log = structlog.get_logger(__name__)

OPEN_TIMEOUT_S = 10.0
LOOK_S = 1.0
"""How often the connection is looked at."""

PING_S = 3.0
"""How often slack-sdk asks the server for a sign of life; after three without an answer the connection is given up.
slack-sdk itself does so late, and where a proxy has closed the connection without a word it reads nothing as fast as
it can until then."""

STEADY_S = 60.0
"""A connection that held so long was a good one: the next failure is the first again."""

REFUSED_PAUSE_S = 300.0
"""After a refusal for good, such as a wrong token, which somebody may put right at Slack."""

MOVING_S = 3.0
"""While it moves to another server, slack-sdk waits so long for the old one to say something, and sends no pings."""

_WAITING_CLICKS = 100


class SocketMode:
    """The connection of one app. handlers: by action id; other ids are acknowledged, logged and ignored.

    on_state: told whether it is connected, each time that changes. pause_s: seconds to wait after that many failures
    in a row.
    """

    def __init__(
        self,
        app_token: str,
        api: str,
        handlers: Mapping[str, Handler],
        *,
        on_state: Callable[[bool], None] = lambda _: None,
        pause_s: Callable[[int], float] = lambda failures: pause(failures, random.random),
        look_s: float = LOOK_S,
        ping_s: float = PING_S,
    ) -> None:
        self._app_token = app_token
        self._web = WebClient(base_url=api, logger=MUTE, retry_handlers=[])
        self._web.timeout = int(OPEN_TIMEOUT_S)
        self._api = SlackApi("", api)
        self._secure = urlsplit(api).scheme == "https"
        self._handlers = handlers
        self._on_state = on_state
        self._pause_s = pause_s
        self._look_s = look_s
        self._ping_s = ping_s
        self._connected = False
        self._stop = threading.Event()
        self._clicks: queue.Queue[Click | None] = queue.Queue(_WAITING_CLICKS)
        self._threads: list[threading.Thread] = []

    @property
    def connected(self) -> bool:
        """Whether clicks arrive."""
        return self._connected

    def begin(self) -> None:
        """Connect, and stay connected."""
        self._threads = [
            threading.Thread(target=self._keep, name="slack socket", daemon=True),
            threading.Thread(target=self._work, name="slack clicks", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Disconnect, in the background; what was clicked last is still worked off, within a moment."""
        self._stop.set()
        if self._threads:
            self._clicks.put(None)
            self._threads[1].join(2 * self._look_s)

    def _keep(self) -> None:
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            failure: SlackError | None = None
            try:
                self._watch(self._connect())
            except SlackError as error:
                failure = error
            failures = 1 if time.monotonic() - began > STEADY_S else failures + 1
            self._stop.wait(self._wait(failures, failure))

    def _wait(self, failures: int, failure: SlackError | None) -> float:
        """Seconds until it is tried again; complains of the first failure in a row, and of each final one."""
        wait = self._pause_s(failures)
        if failure is not None:
            wait = failure.retry_after or (REFUSED_PAUSE_S if failure.permanent else wait)
            if failures == 1 or failure.permanent:
                why, again = failure.reason, round(wait, 1)
                _log.warning("no Socket Mode: Slack's buttons do not work", why=why, again_in_s=again)
        return wait

    def _connect(self) -> SocketModeClient:
        """A client whose connection is open; SlackError where there is none."""
        answer = self._api.call("apps_connections_open", OPEN_TIMEOUT_S, app_token=self._app_token)
        url = self._checked(str(answer.get("url", "")))
        client = SocketModeClient(
            self._app_token,
            logger=MUTE,
            web_client=self._web,
            auto_reconnect_enabled=False,
            ping_interval=self._ping_s,
            concurrency=1,
        )
        client.socket_mode_request_listeners.append(self._listen)
        client.wss_uri = url
        try:
            client.connect()
        except (OSError, SlackClientError, ValueError) as error:
            _close(client)
            raise SlackError(f"Socket Mode: {type(error).__name__}") from None
        if client.is_connected():
            return client
        _close(client)
        raise SlackError("Socket Mode: the connection was not accepted")

    def _checked(self, url: str) -> str:
        """slack-sdk speaks in the clear to every port but 443."""
        try:
            parts = urlsplit(url)
            good = (
                parts.scheme == "wss" and parts.port in (None, 443) if self._secure else parts.scheme in ("ws", "wss")
            )
        except ValueError:
            good = False
        if not good:
            raise SlackError("apps.connections.open: the answer holds no address of an encrypted connection")
        return url

    def _watch(self, client: SocketModeClient) -> None:
        """Until the connection is lost or not wanted any more."""
        self._state(True)
        _log.info("connected to Slack's Socket Mode")
        session, began = client.session_id(), time.time()
        try:
            while not self._stop.wait(self._look_s):
                if client.session_id() != session:  # slack-sdk has followed Slack to another server
                    session, began = client.session_id(), time.time()
                silent = time.time() - max(began, _last_answer(client))
                if not client.is_connected() or silent > 3 * self._ping_s + MOVING_S:
                    _log.info("the connection to Slack's Socket Mode is lost")
                    return
        finally:
            self._state(False)
            _close(client)

    def _state(self, connected: bool) -> None:
        self._connected = connected
        self._on_state(connected)

    def _listen(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """On slack-sdk's thread. What cannot be handled is not acknowledged: Slack sends it over another connection, or
        tells whoever clicked that it did not work."""
        if self._stop.is_set():
            return
        for click in clicks(request.payload) if request.type == "interactive" else ():
            try:
                self._clicks.put_nowait(click)
            except queue.Full:
                _log.warning("too many clicks in Slack at once: one is refused", action=click.action_id)
                return
        try:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        except SlackClientError:
            _log.info("a click in Slack could not be acknowledged: the connection is lost")

    def _work(self) -> None:
        while (click := self._clicks.get()) is not None:
            handler = self._handlers.get(click.action_id)
            if handler is None:
                _log.info("nobody handles this button", action=click.action_id, by=click.user)
                continue
            try:
                handler(click)
            except Exception:  # noqa: BLE001 - the act border: one click must not end all others
                _log.exception("a click in Slack could not be handled", action=click.action_id, by=click.user)


def _last_answer(client: SocketModeClient) -> float:
    """When the last ping was sent that was answered, seconds since the epoch."""
    session = client.current_session
    return (session.last_ping_pong_time or 0.0) if session is not None else 0.0


def _close(client: SocketModeClient) -> None:
    """In the background, for slack-sdk waits for its threads, which may wait for the network for seconds."""

    def close() -> None:
        for _ in range(3):
            try:
                client.close()
            except (AttributeError, OSError):  # one of its own threads was closing it, too: its threads are left over
                continue
            return

    threading.Thread(target=close, name="slack socket's end", daemon=True).start()
