"""A POST, and what its answer says about trying again: for every receiver that is an HTTP address.

Proxies and .netrc of the environment are not used, redirects are not followed (both would carry secrets elsewhere),
cookies are not kept. Reasons name scheme, host and port, never a path: addresses of webhooks are secrets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from rabbitwatch.clients.failures import explain
from rabbitwatch.clients.http import Login, session
from rabbitwatch.clients.wording import readable
from rabbitwatch.config.receivers import HttpAuth
from rabbitwatch.errors import ConfigError, DeliveryError

_BODY_LIMIT = 64 * 1024
"""Of an answer: what is longer is not read, and costs the connection."""

_TOLD_LIMIT = 160
_PIECE = 8 * 1024
_COMES_BACK = {408, 425, 429}
"""Refusals that are not about the request, besides all that begin with 5."""


@dataclass(frozen=True, slots=True)
class Answer:
    """retry_after: seconds, where the other side said so. text: the beginning of the body."""

    status: int
    text: str
    retry_after: float | None


class Poster:
    """One address that is posted to again and again, by one thread at a time.

    url: may be a secret. hint: what to look at when nothing listens there. now: seconds since the epoch.
    """

    def __init__(
        self,
        url: str,
        http: HttpAuth,
        timeout: float,
        *,
        hint: str = "is it running?",
        now: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(url)
        self.address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._url = url
        self._timeout = timeout
        self._hint = hint
        self._now = now
        password = http.password.get_secret_value() if http.password else ""
        self._session = session(Login(http.username, password) if http.username else None, http.tls)
        if http.bearer_token is not None:
            self._session.headers["Authorization"] = f"Bearer {http.bearer_token.get_secret_value()}"
        self._session.headers.update(http.headers)
        if http.proxy_url is not None:
            self._session.proxies = {"http": http.proxy_url, "https": http.proxy_url}
        self._check()

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer when it is a 2xx; DeliveryError for all else."""
        deadline = time.monotonic() + self._timeout
        try:
            with self._session.post(
                self._url, body, headers=dict(headers), timeout=self._timeout, stream=True, allow_redirects=False
            ) as response:
                text = self._text(response, deadline)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise DeliveryError(explain(error, self.address, self._timeout, self._hint).reason) from None
        answer = Answer(response.status_code, text, retry_after(response.headers, self._now()))
        self._judge(answer, response)
        return answer

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()

    def _check(self) -> None:
        """ConfigError for an address or a header that can never be sent; neither is quoted."""
        try:
            prepared = self._session.prepare_request(requests.Request("POST", self._url))
            for value in prepared.headers.values():
                str(value).encode("latin-1")  # what http.client does with them
        except (requests.exceptions.InvalidHeader, UnicodeError):
            raise ConfigError("a header or the token holds a character that no header may hold") from None
        except (requests.RequestException, ValueError):
            raise ConfigError("url is no address; write it like https://example.org/path") from None
        if urlsplit(self._url).scheme not in {"http", "https"} or not urlsplit(self._url).hostname:
            raise ConfigError("url is no address; write it like https://example.org/path")

    def _text(self, response: requests.Response, deadline: float) -> str:
        """As much of the body as is worth reading; read to its end where that is near, so that the connection lives."""
        pieces: list[bytes] = []
        size = 0
        while piece := response.raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > _BODY_LIMIT or time.monotonic() > deadline:
                break
        return b"".join(pieces).decode("utf-8", "replace").strip()

    def _judge(self, answer: Answer, response: requests.Response) -> None:
        status = answer.status
        if requests.codes.ok <= status < requests.codes.multiple_choices:
            return
        if response.is_redirect:
            target = urlsplit(response.headers["location"])
            there = f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else "another path"
            reason = f"{self.address} redirects to {readable(there, 100)}, which is not followed: configure that"
            raise DeliveryError(reason, permanent=True)
        told = f": {readable(answer.text, _TOLD_LIMIT)}" if answer.text else ""
        temporary = comes_back(status)
        reason = f"{self.address} answered with status {status}{told}"
        raise DeliveryError(reason, permanent=not temporary, retry_after=answer.retry_after if temporary else None)


def comes_back(status: int) -> bool:
    """Whether the same request may succeed later, for all that this refusal says."""
    return status in _COMES_BACK or status >= requests.codes.server_error


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the answer asks to wait, by number or by date; None where it says nothing that can be understood.

    A date counts from the answer's own Date, for the clocks of two machines differ.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until = _date(text)
    if until is None:
        return None
    began = _date(headers.get("date", ""))
    return max(0.0, until - (now if began is None else began))


def _date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
