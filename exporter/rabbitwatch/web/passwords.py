"""Basic authentication against bcrypt hashes, as Prometheus' exporter toolkit defines it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping

import anyio
import bcrypt
from anyio import to_thread

_REMEMBERED = 128
_BCRYPT_BYTES = 72  # bcrypt reads no further; hashes made by htpasswd and by Go were cut there too
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Passwords:
    """The users that may come in.

    A hash takes about 70 ms at cost 10 and longer above, so answers are remembered, at most 128 of them, under a keyed
    digest: neither passwords nor anything that could be tried offline stays in memory. Hashes are computed one at a
    time beside the event loop, so that a flood of wrong passwords takes one core at most and delays no known user.
    """

    def __init__(self, users: Mapping[str, str], check: Callable[[bytes, bytes], bool] = bcrypt.checkpw) -> None:
        self._users = dict(users)
        self._check = check
        self._key = secrets.token_bytes(32)
        self._remembered: OrderedDict[bytes, bool] = OrderedDict()
        self._turn = anyio.Semaphore(1)
        self._nobody = _hash_of_nobody(users)

    async def allow(self, authorization: str | None) -> bool:
        """Whether the value of an Authorization header names a user and that user's password."""
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        user, password = credentials
        known = user in self._users
        digest = self._users.get(user, self._nobody)
        key = hmac.digest(self._key, b"\0".join((digest.encode(), user.encode(), password)), hashlib.sha256)
        matches = self._remembered.get(key)
        if matches is None:
            async with self._turn:
                matches = await to_thread.run_sync(self._matches, password, digest)
            self._remembered[key] = matches
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        else:
            self._remembered.move_to_end(key)
        return matches and known

    def _matches(self, password: bytes, digest: str) -> bool:
        try:
            return self._check(password[:_BCRYPT_BYTES], digest.encode())
        except ValueError:  # such as a NUL byte in the password: bcrypt cannot hash it, so it is nobody's
            return False


def user_of(authorization: str | None) -> str:
    """Whom the header claims to come from; "" where nobody."""
    credentials = _credentials(authorization)
    return credentials[0] if credentials else ""


def _hash_of_nobody(users: Mapping[str, str]) -> str:
    """A hash that no password has, as costly as the costliest user's: a wrong user takes as long as a wrong word."""
    cost = max((digest[4:6] for digest in users.values()), default="10")
    return f"$2b${cost}$" + "." * 22 + "".join(secrets.choice(_ALPHABET) for _ in range(30)) + "."


def _credentials(authorization: str | None) -> tuple[str, bytes] | None:
    """User and password of `Basic <base64>`; None for anything else."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None
