"""One address of a broker over HTTP: every call has a connection of its own, and ends by a deadline.

No connection is kept for the next call, because a broker that stops waits for those that are open: measured on 3.10.8,
each idle one makes the stop of a node a second longer, and with it the time in which its queues have no leader. Calls
of one cycle go side by side anyway, so keeping them would save little.

requests knows time-outs per socket operation only, so a server that sends a byte now and then would hold a call for
ever. The body is therefore read piece by piece, with the deadline and a limit of size checked between two pieces. Two
waits are left that this file cannot cut short: the resolver's own (getaddrinfo has no time-out), and headers that drip.
Whoever waits for the answer (sources/lanes.py) gives up at its deadline whatever the thread does.

Decisions: proxies and .netrc of the environment are not used (`trust_env` off), because they would send a broker's
password elsewhere or replace it; a redirect is never followed, for the same reason; cookies are not kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from rabbitwatch import __version__
from rabbitwatch.clients.failures import explain, explain_unsent
from rabbitwatch.clients.wording import readable
from rabbitwatch.config.trust import TlsConfig
from rabbitwatch.errors import CallError, CallFailure

BODY_LIMIT = 64 * 1024 * 1024
"""Bytes after decompression. The cheap queue list has 230 bytes a queue, so this is room for a quarter of a million."""

_PIECE = 256 * 1024
_ERROR_BODY = 2048
_LANES = 8


@dataclass(frozen=True, slots=True)
class Login:
    """User and password for basic auth; without a repr, so that no log shows it."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.username!r})"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came back for a request that changes something. words: the server's own, from a JSON body, in one line; ""
    where it said none."""

    status: int
    words: str


class Endpoint:
    """An address that is asked again and again. Safe to use from several threads at once; holds nothing open.

    url: scheme, host, port and perhaps a path prefix, with no slash at its end. hint: what to look at when nothing
    listens there. rights: what to look at when the user is refused. what: whose address this should be.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: TlsConfig,
        login: Login | None = None,
        hint: str = "is it running?",
        rights: str = "the user needs the tag monitoring",
        what: str = "the broker's",
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self.url = url
        parts = urlsplit(url)
        self._address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._login = login
        self._hint = hint
        self._rights = rights
        self._what = what
        self._limit = body_limit
        self._tls = tls

    def get(self, path: str, *, within: float, expects: str = "json") -> bytes:
        """The whole body of a 200, decompressed, in at most about `within` seconds; CallError for all else.

        expects: a word that the answer's media type must contain: a proxy's HTML page is no answer.
        """
        deadline = time.monotonic() + within
        try:
            with (
                self._session() as own,
                own.get(self.url + path, timeout=within, stream=True, allow_redirects=False) as response,
            ):
                self._check(response, path, expects)
                return self._body(response, deadline, within)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise explain(error, self._address, within, self._hint) from None

    def send(self, method: Literal["PUT", "POST"], path: str, body: Mapping[str, Any], *, within: float) -> Sent:
        """Change something, once: never sent again by itself. Any status is returned, redirects too, which are not
        followed.

        UnsentError when surely nobody heard it. Any other CallError is a doubt: it may have been done all the same.
        Measured on 3.10.8: without the media type an operator policy is a 415.
        """
        headers = {"Content-Type": "application/json"}
        data = json.dumps(dict(body)).encode()
        try:
            with (
                self._session() as own,
                own.request(
                    method,
                    self.url + path,
                    data=data,
                    headers=headers,
                    timeout=within,
                    stream=True,
                    allow_redirects=False,
                ) as response,
            ):
                return Sent(response.status_code, self._words(response))
        except (requests.RequestException, HTTPError, OSError) as error:
            raise explain_unsent(error, self._address, within, self._hint) from None

    def _session(self) -> requests.Session:
        made = session(self._login, self._tls)
        made.headers["Connection"] = "close"  # else the broker keeps its end open until it sees that ours is gone
        return made

    def _body(self, response: requests.Response, deadline: float, within: float) -> bytes:
        raw = response.raw
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limit:
            raise self._too_large()
        pieces: list[bytes] = []
        size = 0
        while piece := raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > self._limit:
                raise self._too_large()
            if time.monotonic() > deadline:
                raise CallError(
                    CallFailure.TIMEOUT, f"{self._address} sent only {size} bytes in {within:.3g} s and was not done"
                )
        return b"".join(pieces)

    def _too_large(self) -> CallError:
        size = self._limit // (1024 * 1024)
        return CallError(CallFailure.ERROR, f"{self._address} answered with more than {size} MiB: not read any further")

    def _check(self, response: requests.Response, path: str, expects: str) -> None:
        status = response.status_code
        where = f"{self._address}{path.partition('?')[0]}"
        if status == requests.codes.ok:
            media = response.headers.get("content-type", "").partition(";")[0].strip()
            if expects not in media:
                raise CallError(
                    CallFailure.ERROR,
                    f"{where} answered with {readable(media, 60) or 'no media type'}, not {expects}: "
                    f"is this address really {self._what}?",
                )
            return
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            user = f"user {self._login.username!r}" if self._login else "a call without a user"
            raise CallError(
                CallFailure.UNAUTHORISED,
                f"{where} refuses {user} ({status}{self._told(response)}): check name and password; {self._rights}",
            )
        if response.is_redirect:
            target = urlsplit(response.headers["location"])
            there = f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else "another path"
            raise CallError(
                CallFailure.ERROR, f"{where} redirects to {readable(there, 100)}, which is not followed: configure that"
            )
        missing = status == requests.codes.not_found
        told = f": is this address really {self._what}?" if missing else self._told(response)
        raise CallError(CallFailure.ERROR, f"{where} answered with status {status}{told}")

    def _told(self, response: requests.Response) -> str:
        """The broker's own words on an error, from the beginning of a JSON body."""
        text = self._beginning(response)
        return f", {readable(text, 160)}" if text else ""

    def _words(self, response: requests.Response) -> str:
        """Likewise, for somebody whose request was refused: the reason alone where the body has one. The status is
        known by then, so a body that breaks off changes nothing."""
        try:
            text = self._beginning(response)
        except (HTTPError, OSError):
            return ""
        try:
            told = json.loads(text)
        except ValueError:
            return readable(text, 160)
        reason = told.get("reason") if isinstance(told, dict) else None
        return readable(" ".join(reason.split()) if isinstance(reason, str) else text)

    @staticmethod
    def _beginning(response: requests.Response) -> str:
        if "json" not in response.headers.get("content-type", ""):
            return ""
        read: bytes = response.raw.read1(_ERROR_BODY, decode_content=True)
        return read.decode("utf-8", "replace").strip()


def session(login: Login | None, tls: TlsConfig) -> requests.Session:
    """A session that takes nothing from the environment, keeps no cookies and retries nothing by itself."""
    made = requests.Session()
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.headers.update({"User-Agent": f"rabbitwatch/{__version__}", "Accept-Encoding": "gzip"})
    if login is not None:
        made.auth = HTTPBasicAuth(login.username.encode(), login.password.encode())
    if tls.cert_file is not None:
        made.cert = str(tls.cert_file) if tls.key_file is None else (str(tls.cert_file), str(tls.key_file))
    made.verify = _trust(tls.ca_file) if tls.verify else False
    if not tls.verify:
        # said once by the configuration's warnings; urllib3 would say it again at every single call
        urllib3.disable_warnings(InsecureRequestWarning)
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=_LANES, max_retries=0)
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


def _trust(ca_file: Path | None) -> str | bool:
    return True if ca_file is None else str(ca_file)
