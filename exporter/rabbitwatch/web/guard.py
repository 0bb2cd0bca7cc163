"""Who may change things over HTTP: users of the web configuration, and without one whoever sits at this machine.

A browser is a deputy that any page can send, so what comes from a browser must come from the agent's own pages.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from rabbitwatch.web.middleware import IDENTITY

REMEDY = "set basic_auth_users in the file of web.config_file, or ask from the machine of the agent itself"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_PORTS = {"http": 80, "https": 443}


class Guard:
    """Judges requests that would change something.

    external_url: where people reach the agent's pages, as the configuration says; a proxy may lead from there to here.
    """

    def __init__(self, external_url: Callable[[], str | None] = lambda: None) -> None:
        self._external_url = external_url

    def refusal(self, request: Request) -> str | None:
        """Why this client may not, in one line with the remedy; None: it may."""
        return self.unknown(request) or self.foreign(request)

    def unknown(self, request: Request) -> str | None:
        """Why this client may not, whatever has sent the request: nobody knows who it is."""
        if IDENTITY in request.scope:
            return None
        if request.client is None or not _loopback(request.client.host):
            return f"refused: changes from {_from(request)} need a password, and none is configured; {REMEDY}"
        if any(name in request.headers for name in _FORWARDED):
            return f"refused: changes through a proxy need a password, and none is configured; {REMEDY}"
        if not _local_name(_host(request)):
            return (
                f"refused: {_host(request)!r} is no name of this machine's own; ask http://localhost, "
                "or set basic_auth_users in the file of web.config_file"
            )
        return None

    def foreign(self, request: Request) -> str | None:
        """Why a browser's request is refused though the user may: a page of somebody else has sent it."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return None if site in {"same-origin", "none"} else "refused: another site's page has sent this request"
        origin = request.headers.get("origin")
        if origin is None or _place(origin) in {_place(f"{_scheme(request)}://{_host(request)}"), self._external()}:
            return None
        return f"refused: a page of {origin!r} has sent this request; is notify.external_url the address of the agent?"

    def _external(self) -> tuple[str, str, int | None] | None:
        url = self._external_url()
        return None if url is None else _place(url)


def identity(request: Request) -> str:
    """The user that the request has proved to come from; "" where there is none, or only a certificate."""
    return str(request.scope.get(IDENTITY, ""))


def _from(request: Request) -> str:
    return request.client.host if request.client else "there"


def _scheme(request: Request) -> str:
    return str(request.scope.get("scheme", "http"))


def _host(request: Request) -> str:
    return request.headers.get("host", "")


def _place(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, by which browsers tell origins apart."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", url, None


def _loopback(host: str) -> bool:
    """Whether it is the socket's other end on this machine, also where IPv4 comes in by a socket of IPv6."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _local_name(host: str) -> bool:
    """Whether a browser that shows this host is surely talking to its own machine: a name of the DNS can be pointed
    here by anybody."""
    name = _place(f"http://{host}")[1]
    return name == "localhost" or name.endswith(".localhost") or _loopback(name)
