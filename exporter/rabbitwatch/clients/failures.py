"""What requests and urllib3 raise, turned into one clear reason each: what happened, where, and what helps.

No reason holds a password: addresses are shown as scheme, host and port, and the configuration refuses addresses that
carry a user.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from rabbitwatch.clients.wording import readable
from rabbitwatch.errors import CallError, CallFailure, UnsentError

_NO_ROUTE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}
_TIMEOUTS = (
    ConnectTimeoutError,
    ReadTimeoutError,
    TimeoutError,
    requests.ConnectTimeout,
    requests.ReadTimeout,
)


_TLS_SIGNS = {
    "CERTIFICATE_REQUIRED": "it demands a client certificate: set tls.cert_file and tls.key_file",
    "UNKNOWN_CA": "it does not accept the client certificate of tls.cert_file",
    "BAD_CERTIFICATE": "it does not accept the client certificate of tls.cert_file",
    "KEY_VALUES_MISMATCH": "tls.key_file is not the key of tls.cert_file",
    "private key is encrypted": "tls.key_file is encrypted, and nobody is there to type its password: decrypt it",
    "EOF": "it closed the connection: does it demand another client certificate, or one at all (tls.cert_file)?",
}
"""What OpenSSL and urllib3 say, and what it means here. A server that refuses a client may be gone before its alert is
read, so a connection that just ends may mean that too."""


def explain(error: Exception, address: str, within: float, hint: str) -> CallError:
    """The reason in words. hint: what to look at when nothing listens there."""
    chain = list(_chain(error))
    kinds = tuple(type(e) for e in chain)
    if _any(kinds, (NameResolutionError,)):
        return CallError(CallFailure.ERROR, f"{address}: this host name cannot be resolved here (DNS)")
    if _any(kinds, (SSLError, requests.exceptions.SSLError)):
        return CallError(CallFailure.ERROR, f"{address}: TLS failed: {_tls(chain)}")
    numbers = {e.errno for e in chain if isinstance(e, OSError) and isinstance(e.errno, int)}
    if errno.ECONNREFUSED in numbers:
        return CallError(CallFailure.REFUSED, f"{address} refuses the connection: {hint}")
    if numbers & _NO_ROUTE:
        return CallError(CallFailure.ERROR, f"{address} cannot be reached: no route to this host")
    # after what urllib3 counts among the time-outs too: NewConnectionError is a ConnectTimeoutError
    if _any(kinds, _TIMEOUTS):
        return CallError(CallFailure.TIMEOUT, f"{address} gave no answer within {within:.3g} s")
    if _any(kinds, (IncompleteRead,)):
        return CallError(CallFailure.ERROR, f"{address} ended its answer before it was complete (truncated body)")
    if _any(kinds, (DecodeError, requests.exceptions.ContentDecodingError)):
        return CallError(CallFailure.ERROR, f"{address} sent a body whose compression is broken")
    if _any(kinds, (ConnectionError, HTTPError)):
        return CallError(CallFailure.ERROR, f"{address} closed the connection or spoke no HTTP: {_deepest(chain)}")
    return CallError(CallFailure.ERROR, f"{address} cannot be asked: {_deepest(chain)}")


def explain_unsent(error: Exception, address: str, within: float, hint: str) -> CallError:
    """The same for a request that changes something: an UnsentError where no connection came about. After that, even a
    refused client certificate is a doubt: with TLS 1.3 the request is out before the refusal arrives."""
    told = explain(error, address, within, hint)
    early = (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)
    return UnsentError(told.kind, told.reason) if any(isinstance(e, early) for e in _chain(error)) else told


def _any(kinds: tuple[type[BaseException], ...], wanted: tuple[type[BaseException], ...]) -> bool:
    return any(issubclass(kind, wanted) for kind in kinds)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and whatever it wraps: requests and urllib3 nest through args, `reason` and `__cause__` alike."""
    seen: set[int] = set()
    stack: list[object] = [error]
    while stack:
        one = stack.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        stack += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def _deepest(chain: list[BaseException]) -> str:
    last = chain[-1]
    return readable(f"{type(last).__name__}: {last}", 160)


def _tls(chain: list[BaseException]) -> str:
    text = next((str(v) for e in chain if (v := getattr(e, "verify_message", None))), "")
    if text:
        return f"the certificate is not trusted: {readable(text, 120)}; set tls.ca_file to its issuer's certificate"
    told = _deepest(chain)
    return next((f"{meaning} ({told})" for sign, meaning in _TLS_SIGNS.items() if sign in told), told)
