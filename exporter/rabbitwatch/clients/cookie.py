"""The hash of an Erlang cookie, from its file, with no Erlang VM."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from rabbitwatch.errors import CallError, CallFailure

_LONGEST = 4096


def cookie_file_hash(path: Path) -> str:
    """base64(md5(cookie)), as the broker's `erlang_cookie_hash` prints it; CallError where the file cannot be used.

    The cookie is the file's text without line ends behind it, as Erlang's auth server reads it. The hash is a secret
    too: a short cookie can be guessed from it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
    except OSError as error:
        raise CallError(CallFailure.ERROR, f"cookie file {path}: {error.strerror}") from None
    if len(content) > _LONGEST:
        raise CallError(CallFailure.ERROR, f"cookie file {path} is longer than {_LONGEST} bytes: is it a cookie?")
    cookie = content.rstrip(b"\r\n")
    if not cookie:
        raise CallError(CallFailure.ERROR, f"cookie file {path} is empty")
    return base64.b64encode(hashlib.md5(cookie, usedforsecurity=False).digest()).decode("ascii")
