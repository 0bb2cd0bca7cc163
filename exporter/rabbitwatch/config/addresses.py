"""Addresses in the configuration: of a broker's API, and where the agent itself listens."""

from __future__ import annotations

from urllib.parse import urlsplit


def check_address(text: str, example: str) -> str:
    """`text` without a slash at its end; ValueError unless it is an http(s) address of a host.

    An address that holds a user or a password is refused without being quoted: addresses are shown in logs, metrics
    and pages.
    """
    scheme, _, rest = text.partition("://")
    if "@" in rest.partition("/")[0] or (not rest and "@" in text):
        raise ValueError("must not hold a user or a password: they have keys of their own (username, password)")
    try:
        parts = urlsplit(text)
        usable = scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError(f"{text!r} is no address; write it like {example}")
    if parts.query or parts.fragment:
        raise ValueError(f"{text!r} must end with the path; write it like {example}")
    return text.rstrip("/")


def check_amqp_address(text: str) -> str:
    """`text` as it is, an AMQP address with or without a port, whose host may be `{host}`; ValueError otherwise.

    User, password and vhost have keys of their own, and are refused here for the reason that `check_address` gives.
    """
    scheme, _, rest = text.partition("://")
    if scheme not in {"amqp", "amqps"} or rest.partition("?")[0].rstrip("/") != rest:
        raise ValueError("an AMQP address is written like amqp://rabbit1:5672 or amqps://{host}:5671, without a path")
    check_address(f"http://{rest.replace('{host}', 'host')}", "amqp://rabbit1:5672")
    if "/" in rest:
        raise ValueError("must not hold a vhost: it has a key of its own (vhost)")
    return text


def parse_listen(text: str) -> tuple[str | None, int]:
    """Host and port of `host:port`, `[::]:9419` or `:9419`; no host means every interface of both families.

    Port 0 asks the system for a free one. ValueError otherwise.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (":" in host and not bracketed):
        raise ValueError(f"{text!r} is no address to listen on; write it like 0.0.0.0:9419, [::]:9419 or :9419")
    return (host[1:-1] if bracketed else host) or None, int(port)
