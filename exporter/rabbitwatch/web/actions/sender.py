"""Whether a webhook's request comes from whom it should: a bearer token, or a signature with a time, of one use.

A signature is `sha256=` and the hex digits of HMAC-SHA256, keyed with the secret, over the timestamp (unix seconds, as
the header has it), a dot, and the body. Everything that is compared is compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from rabbitwatch.config.actions import ActionsWebhookConfig

TIMESTAMP = "x-rabbitwatch-timestamp"
SIGNATURE = "x-rabbitwatch-signature"
MOST_REMEMBERED = 10_000
_SCHEME = "sha256="
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not taken. kind: a word by which refusals are counted; why: one line with the remedy."""

    status: int
    kind: str
    why: str


CLOSED = Refusal(
    403,
    "closed",
    "refused: this address is closed; to open it, set actions.webhook.token or actions.webhook.signing_secret",
)
_ANONYMOUS = Refusal(
    401,
    "anonymous",
    "refused: send the token of actions.webhook as the bearer token of Authorization, or sign the request; "
    "in Alertmanager, set http_config.authorization.credentials",
)
_NO_TOKEN = Refusal(401, "token", "refused: a bearer token is sent, and only actions.webhook.signing_secret is set")
_WRONG_TOKEN = Refusal(401, "token", "refused: the bearer token is not that of actions.webhook.token")
_NO_SECRET = Refusal(401, "signature", "refused: the request is signed, and only actions.webhook.token is set")
_NO_TIME = Refusal(403, "timestamp", f"refused: {TIMESTAMP} must hold unix seconds, without a fraction")
_WRONG_SIGNATURE = Refusal(
    403, "signature", f"refused: {SIGNATURE} is not {_SCHEME}HMAC of the timestamp, a dot and the body with the secret"
)
_USED = Refusal(403, "replayed", "refused: this signature was used before; sign each request anew")
_FORGOTTEN = Refusal(
    403, "replayed", "refused: the request was signed before this agent started, so it may have been used; sign it anew"
)
_FULL = Refusal(
    403, "flooded", f"refused: {MOST_REMEMBERED} signed requests came within the tolerance; send fewer of them"
)


class Sender:
    """Judges requests; what it remembers of signatures outlives a reload of the configuration.

    A restart forgets them, so what was signed before it is refused. config: as it is now. now: seconds since the epoch.
    """

    def __init__(self, config: Callable[[], ActionsWebhookConfig], now: Callable[[], float] = time.time) -> None:
        self._config = config
        self._now = now
        self._known_since = int(now()) + 1  # what was signed before then may have been used, for all that is remembered
        self._used: dict[bytes, int] = {}
        self._forgotten = 0
        self._lock = threading.Lock()

    def early(self, headers: Mapping[str, str]) -> Refusal | None:
        """Why a request is refused whatever its body is, so that nobody has to read it; None: read on."""
        config = self._config()
        token, secret = _text(config.token), _text(config.signing_secret)
        if not token and not secret:
            return CLOSED
        given = _bearer(headers)
        if given is not None:
            if not token:
                return _NO_TOKEN
            return None if hmac.compare_digest(given, token) else _WRONG_TOKEN
        if SIGNATURE not in headers:
            return _ANONYMOUS
        return self._stale(headers, config.tolerance) if secret else _NO_SECRET

    def refusal(self, headers: Mapping[str, str], body: bytes) -> Refusal | None:
        """Why this request is refused; None: it is taken, and if it is signed, its signature is used up."""
        early = self.early(headers)
        if early is not None or _bearer(headers) is not None:
            return early
        config = self._config()
        stamp, signature = headers[TIMESTAMP].encode(), headers[SIGNATURE].encode()
        digest = hmac.digest(_text(config.signing_secret), b"%b.%b" % (stamp, body), hashlib.sha256).hex()
        if not hmac.compare_digest(signature, (_SCHEME + digest).encode()):
            return _WRONG_SIGNATURE
        return self._use(digest.encode(), int(stamp), config.tolerance)

    def _stale(self, headers: Mapping[str, str], tolerance: float) -> Refusal | None:
        text = headers.get(TIMESTAMP, "")
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
            return _NO_TIME
        off = self._now() - int(text)
        if abs(off) > tolerance:
            side = f"{off:.0f} s ago" if off > 0 else f"{-off:.0f} s ahead of this machine's clock"
            return Refusal(403, "expired", f"refused: the request was signed {side}, and {tolerance:g} s are allowed")
        return _FORGOTTEN if int(text) < self._known_since else None

    def _use(self, signature: bytes, stamp: int, tolerance: float) -> Refusal | None:
        with self._lock:
            self._forget(int(self._now() - tolerance))
            if signature in self._used:
                return _USED
            if len(self._used) >= MOST_REMEMBERED:
                return _FULL
            self._used[signature] = stamp
        return None

    def _forget(self, before: int) -> None:
        """What is too old to be taken anyway; it stays refused where a reload makes the tolerance longer."""
        if before == self._forgotten:
            return
        self._forgotten = before
        old = [each for each, stamp in self._used.items() if stamp < before]
        for each in old:
            self._known_since = max(self._known_since, self._used.pop(each) + 1)


def _text(secret: SecretStr | None) -> bytes:
    return secret.get_secret_value().encode() if secret is not None else b""


def _bearer(headers: Mapping[str, str]) -> bytes | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip().encode() if scheme.lower() == "bearer" else None
