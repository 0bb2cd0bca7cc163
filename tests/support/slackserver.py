"""A server that speaks enough of Slack's Web API, incoming webhooks and Socket Mode for slack-sdk to be satisfied.

    with SlackServer() as slack:
        channel = slack.channel("alerts")
        ... WebClient(slack.bot_token, base_url=slack.api) ...
        slack.then("chat.postMessage", limited(3))          # the next call of this method is answered so
        slack.connected(1)                                   # waits until one client is connected by Socket Mode
        slack.click(channel, message.ts, "some_action_id")   # as a person does

It keeps channels with messages and threads as Slack does: texts of messages, edits, replies, metadata. It refuses what
Slack documents to refuse: wrong tokens, unknown channels, edits of what is not there, texts and blocks beyond the
limits, attachments of a wrong form. `calls` holds every call with its arguments, also those that were answered with a
fault. Times are the machine's, so that `oldest` means what it means at Slack.

The whole runs in daemon threads of the test's own process, and also by itself for tests with processes to kill:
`python -m tests.support.slackserver PORT`, which prints a line of JSON a call.
"""

from __future__ import annotations

import itertools
import json
import socket
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl

from tests.support.slackrules import refused
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

Json = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """How a call is answered instead. done: whether it has its effect all the same. pause: seconds before. body: bytes
    as they are. hang_up: the connection is closed with no answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    done: bool = False
    hang_up: bool = False


def error(code: str, **fields: Any) -> Fault:
    """Slack's own way: status 200 and a word."""
    return Fault(body=json.dumps({"ok": False, "error": code, **fields}).encode())


def limited(seconds: int) -> Fault:
    """Too many calls."""
    headers = {"Retry-After": str(seconds)}
    return Fault(429, json.dumps({"ok": False, "error": "ratelimited"}).encode(), headers)


@dataclass
class Message:
    """ts: its id and time. thread_ts: of the message that it replies to."""

    ts: str
    text: str
    blocks: list[Json]
    attachments: list[Json]
    metadata: Json | None
    thread_ts: str = ""
    broadcast: bool = False
    edits: int = 0

    def as_slack_tells(self, *, with_metadata: bool = True) -> Json:
        """In histories and payloads."""
        told: Json = {"type": "message", "ts": self.ts, "text": self.text, "bot_id": "B0RABBIT", "user": "U0RABBIT"}
        told["blocks"] = [{"block_id": f"b{n}", **block} for n, block in enumerate(self.blocks)]
        if self.attachments:
            told["attachments"] = [
                {"id": n, "fallback": "[no preview available]", **each, "color": str(each.get("color", "")).lstrip("#")}
                for n, each in enumerate(self.attachments, 1)
            ]
        if self.thread_ts:
            told["thread_ts"] = self.thread_ts
        if self.metadata and with_metadata:
            told["metadata"] = self.metadata
        return told

    def button(self, action_id: str) -> Json | None:
        """A button that people see."""
        blocks = [*self.blocks, *(block for each in self.attachments for block in each.get("blocks", ()))]
        elements = (each for block in blocks if block["type"] == "actions" for each in block["elements"])
        return next((each for each in elements if each.get("action_id") == action_id), None)


@dataclass
class Call:
    """method: such as `chat.postMessage`, or `webhook`. answer: what was said, None where there was none."""

    method: str
    arguments: Json
    headers: Mapping[str, str]
    answer: Any = None


class SlackServer:
    """See the module. scopes: history and channel lists are refused where they are missing."""

    def __init__(self, port: int = 0, *, report: Callable[[Call], None] | None = None) -> None:
        self.bot_token = "xoxb-111-222-SECRETsecretSECRET"
        self.app_token = "xapp-1-A111-222-SECRETsecretSECRET"
        self.webhook_path = "/services/T000/B000/SECRETsecretSECRET"
        self.scopes = {"chat:write", "channels:history", "channels:read"}
        self.calls: list[Call] = []
        self.acknowledged: list[str] = []
        self.sockets_opened = 0
        self._channels: dict[str, tuple[str, dict[str, Message]]] = {}
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.RLock()
        self._stamps = itertools.count(1)
        self._envelopes = itertools.count(1)
        self._report = report
        self._http = _Http(("127.0.0.1", port), self)
        self._sockets: list[ServerConnection] = []
        self._ws: Server = serve(self._converse, "127.0.0.1", 0, compression=None, ping_interval=None)

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        threading.Thread(target=self._ws.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()
        self._http.shutdown()
        self._http.server_close()
        self._ws.shutdown()

    @property
    def api(self) -> str:
        """The address of the Web API."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/api/"

    @property
    def webhook_url(self) -> str:
        """The address of an incoming webhook."""
        return f"http://127.0.0.1:{self._http.server_address[1]}{self.webhook_path}"

    def channel(self, name: str) -> str:
        """Make a channel that the bot is in; its id."""
        with self._lock:
            channel = f"C0{len(self._channels):08d}"
            self._channels[channel] = (name, {})
            return channel

    def messages(self, channel: str) -> list[Message]:
        """What stands in the channel itself, oldest first; broadcast replies too."""
        return [each for each in self._all(channel) if not each.thread_ts or each.broadcast]

    def thread(self, channel: str, ts: str) -> list[Message]:
        """The replies to a message, oldest first."""
        return [each for each in self._all(channel) if each.thread_ts == ts]

    def delete(self, channel: str, ts: str) -> None:
        """As a person deletes a message."""
        with self._lock:
            del self._channels[channel][1][ts]

    def then(self, method: str, *faults: Fault) -> None:
        """The next calls of this method are answered so, one after the other."""
        with self._lock:
            self._faults[method].extend(faults)

    def called(self, method: str) -> list[Call]:
        """The calls of one method."""
        with self._lock:
            return [call for call in self.calls if call.method == method]

    # Socket Mode

    def connected(self, count: int, timeout: float = 10.0) -> bool:
        """Waits until so many clients are connected; whether that came about."""
        ends = time.monotonic() + timeout
        while time.monotonic() < ends:
            with self._lock:
                if len(self._sockets) == count:
                    return True
            time.sleep(0.01)
        return False

    def click(
        self, channel: str, ts: str, action_id: str, *, user: str = "alice", value: str = "", **changes: Any
    ) -> str:
        """Somebody clicks on a button of that message; the envelope's id. value: of a button that is gone already,
        or never was there. changes: of the payload."""
        with self._lock:
            message = self._channels[channel][1][ts]
            button = message.button(action_id) or {"action_id": action_id, "value": value, "type": "button"}
            payload = {
                "type": "block_actions",
                "user": {"id": "U0ALICE00", "username": user, "name": user, "team_id": "T000"},
                "api_app_id": "A111",
                "container": {
                    "type": "message_attachment",
                    "message_ts": ts,
                    "attachment_id": 1,
                    "channel_id": channel,
                    "is_ephemeral": False,
                },
                "trigger_id": "1.2.3",
                "team": {"id": "T000", "domain": "example"},
                "channel": {"id": channel, "name": self._channels[channel][0]},
                "message": message.as_slack_tells(),
                "response_url": "http://127.0.0.1:9/never",
                "actions": [{"block_id": "b9", "action_ts": f"{time.time():.6f}", **button}],
                **changes,
            }
        return self.push({"type": "interactive", "payload": payload, "accepts_response_payload": False})

    def push(self, envelope: Json) -> str:
        """An envelope to the newest connection; its id."""
        envelope_id = f"e-{next(self._envelopes)}"
        self.frame(json.dumps({"envelope_id": envelope_id, **envelope}))
        return envelope_id

    def frame(self, text: str) -> None:
        """Any text to the newest connection."""
        with self._lock:
            newest = self._sockets[-1]
        newest.send(text)

    def was_acknowledged(self, envelope_id: str, timeout: float = 5.0) -> bool:
        """Waits for the acknowledgement."""
        ends = time.monotonic() + timeout
        while envelope_id not in self.acknowledged and time.monotonic() < ends:
            time.sleep(0.01)
        return envelope_id in self.acknowledged

    def drop(self) -> None:
        """Every connection of Socket Mode breaks, without a word."""
        with self._lock:
            broken, self._sockets = self._sockets, []
        for connection in broken:
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _converse(self, connection: ServerConnection) -> None:
        with self._lock:
            self._sockets.append(connection)
            self.sockets_opened += 1
        connection.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A111"}}))
        try:
            for text in connection:
                self.acknowledged.append(str(json.loads(text).get("envelope_id")))
        except ConnectionClosed:
            pass
        finally:
            with self._lock:
                if connection in self._sockets:
                    self._sockets.remove(connection)

    # the Web API

    def answer(self, method: str, arguments: Json, headers: Mapping[str, str]) -> tuple[Fault, Any]:
        """The fault that is due, and what is said where it is none."""
        call = Call(method, arguments, headers)
        with self._lock:
            self.calls.append(call)
            fault = self._faults[method].popleft() if self._faults[method] else None
            if fault is None or fault.done:
                call.answer = self._do(method, arguments, headers.get("Authorization", ""))
        if self._report is not None:
            self._report(call)
        return fault or Fault(), call.answer

    def _do(self, method: str, arguments: Json, authorization: str) -> Json:
        if method == "webhook":
            return self._post_by_webhook(arguments)
        token = authorization.removeprefix("Bearer ")
        if token != (self.app_token if method == "apps.connections.open" else self.bot_token):
            return {"ok": False, "error": "invalid_auth" if token else "not_authed"}
        work: dict[str, Callable[[Json], Json]] = {
            "auth.test": lambda _: {"team": "example", "user": "rabbitwatch", "team_id": "T000", "bot_id": "B0RABBIT"},
            "apps.connections.open": self._open,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.list": self._list,
        }
        if method not in work:
            return {"ok": False, "error": "unknown_method"}
        try:
            return {"ok": True, **work[method](arguments)}
        except _RefusedError as refusal:
            return {"ok": False, **refusal.fields}

    def _open(self, _: Json) -> Json:
        return {"url": f"ws://127.0.0.1:{self._ws.socket.getsockname()[1]}/link/?ticket={time.monotonic_ns()}"}

    def _post(self, arguments: Json) -> Json:
        channel = self._found(arguments)
        message = self._checked(arguments, f"{int(time.time())}.{next(self._stamps):06d}")
        if message.thread_ts and message.thread_ts not in self._channels[channel][1]:
            raise _RefusedError(error="thread_not_found")
        self._channels[channel][1][message.ts] = message
        return {"channel": channel, "ts": message.ts, "message": message.as_slack_tells()}

    def _post_by_webhook(self, arguments: Json) -> Json:
        channel = next(iter(self._channels), "") or self.channel("webhook")
        try:
            message = self._checked(arguments, f"{int(time.time())}.{next(self._stamps):06d}")
        except _RefusedError as refusal:
            return {"ok": False, **refusal.fields}
        self._channels[channel][1][message.ts] = message
        return {"ok": True}

    def _update(self, arguments: Json) -> Json:
        channel, ts = self._found(arguments, by_name=False), str(arguments.get("ts", ""))
        messages = self._channels[channel][1]
        if ts not in messages:
            raise _RefusedError(error="message_not_found")
        new = self._checked(arguments, ts)
        old = messages[ts]
        new.thread_ts, new.broadcast, new.edits = old.thread_ts, old.broadcast, old.edits + 1
        new.metadata = new.metadata or old.metadata
        new.blocks = new.blocks if "blocks" in arguments else old.blocks
        new.attachments = new.attachments if "attachments" in arguments else old.attachments
        messages[ts] = new
        return {"channel": channel, "ts": ts, "text": new.text, "message": new.as_slack_tells()}

    def _history(self, arguments: Json) -> Json:
        self._need("channels:history")
        channel = self._found(arguments, by_name=False)
        return _page(arguments, "messages", self._told(arguments, reversed(self.messages(channel))))

    def _replies(self, arguments: Json) -> Json:
        self._need("channels:history")
        channel, ts = self._found(arguments, by_name=False), str(arguments.get("ts", ""))
        if ts not in self._channels[channel][1]:
            raise _RefusedError(error="thread_not_found")
        replies = [self._channels[channel][1][ts], *self.thread(channel, ts)]
        return _page(arguments, "messages", self._told(arguments, replies))

    def _list(self, arguments: Json) -> Json:
        self._need("channels:read")
        return _page(arguments, "channels", [{"id": key, "name": name} for key, (name, _) in self._channels.items()])

    def _told(self, arguments: Json, messages: Any) -> list[Json]:
        oldest = float(arguments.get("oldest", 0))
        with_metadata = str(arguments.get("include_all_metadata", "0")) in {"1", "true", "True"}
        return [each.as_slack_tells(with_metadata=with_metadata) for each in messages if float(each.ts) > oldest]

    def _need(self, scope: str) -> None:
        if scope not in self.scopes:
            raise _RefusedError(error="missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    def _found(self, arguments: Json, *, by_name: bool = True) -> str:
        asked = str(arguments.get("channel", ""))
        for key, (name, _) in self._channels.items():
            if asked == key or (by_name and asked.removeprefix("#") == name):
                return key
        raise _RefusedError(error="channel_not_found")

    def _checked(self, arguments: Json, ts: str) -> Message:
        if wrong := refused(arguments):
            raise _RefusedError(error=wrong)
        return Message(
            ts=ts,
            text=str(arguments.get("text", "")),
            blocks=arguments.get("blocks") or [],
            attachments=arguments.get("attachments") or [],
            metadata=arguments.get("metadata"),
            thread_ts=str(arguments.get("thread_ts", "")),
            broadcast=bool(arguments.get("reply_broadcast", False)),
        )

    def _all(self, channel: str) -> list[Message]:
        with self._lock:
            return list(self._channels[channel][1].values())


class _RefusedError(Exception):
    def __init__(self, **fields: str) -> None:
        super().__init__(fields.get("error"))
        self.fields = fields


def _page(arguments: Json, what: str, found: list[Json]) -> Json:
    """By cursor, as Slack does; a cursor is a number here."""
    begin, size = int(arguments.get("cursor") or 0), int(arguments.get("limit", 100))
    following = str(begin + size) if len(found) > begin + size else ""
    return {what: found[begin : begin + size], "response_metadata": {"next_cursor": following}}


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], slack: SlackServer) -> None:
        self.slack = slack
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are expected."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        slack = self.server.slack
        method = "webhook" if self.path == slack.webhook_path else self.path.removeprefix("/api/")
        fault, said = slack.answer(method, _arguments(body, self.headers.get("Content-Type", "")), dict(self.headers))
        time.sleep(fault.pause)
        if fault.hang_up:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif fault.body or fault.status != 200:
            self._say(fault.status, fault.body, fault.headers)
        elif method == "webhook":
            self._say(*((200, b"ok") if said["ok"] else (400, said["error"].encode())), {}, "text/html")
        else:
            self._say(200, json.dumps(said).encode(), {})

    def _say(self, status: int, body: bytes, headers: Mapping[str, str], media: str = "application/json") -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing on stderr."""


def _arguments(body: bytes, media: str) -> Json:
    if media.startswith("application/json"):  # slack-sdk says so even where it sends nothing
        found = json.loads(body or b"{}")
        return found if isinstance(found, dict) else {}
    return dict(parse_qsl(body.decode()))


def main(port: int) -> None:
    """One channel, `alerts`; prints its id and address, then every call, until it is killed."""

    def report(call: Call) -> None:
        print(json.dumps({"method": call.method, "arguments": call.arguments, "answer": call.answer}), flush=True)

    with SlackServer(port, report=report) as slack:
        told = {"channel": slack.channel("alerts"), "api": slack.api, "webhook": slack.webhook_url}
        print(json.dumps({**told, "bot_token": slack.bot_token, "app_token": slack.app_token}), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
