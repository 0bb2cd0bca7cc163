"""Forms of the agent's pages: reading them, and the token by which a form proves that a page of the agent holds it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "rabbitwatch_form"
FIELD = "token"
_KIND = "application/x-www-form-urlencoded"
_MOST_FIELDS = 100


class FormTokens:
    """A cookie holds a random value that no other site can read or, being SameSite, send; a form's hidden field holds
    the keyed digest of it. The key lives as long as the process: a form from before is refused once."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, request: Request) -> tuple[str, str]:
        """The cookie that this client has or gets, and the token for its forms."""
        cookie = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
        return cookie, self._token(cookie)

    def good(self, request: Request, form: Mapping[str, str]) -> bool:
        """Whether the form was made for this client."""
        cookie = request.cookies.get(COOKIE, "")
        return bool(cookie) and hmac.compare_digest(self._token(cookie).encode(), form.get(FIELD, "").encode())

    def keep(self, response: Response, request: Request, cookie: str) -> Response:
        """The response with the cookie."""
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, cookie, path="/", secure=secure, httponly=True, samesite="strict")
        return response

    def _token(self, cookie: str) -> str:
        return hmac.digest(self._key, cookie.encode("utf-8", "replace"), hashlib.sha256).hex()


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a posted form, the last of each name; empty where the body is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind != _KIND:
        return {}
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:
        return {}
