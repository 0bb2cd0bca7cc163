"""The TLS side of web.yml: from the checked section to a context that uvicorn serves with."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from rabbitwatch.config.webfile import CIPHER_SUITES, CURVES, TlsServer
from rabbitwatch.errors import ConfigError

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}

Certificate = Mapping[str, Any]


def server_context(config: TlsServer) -> ssl.SSLContext:
    """A context with the certificates as they are on disk now; ConfigError, naming the file, when they are no use."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[config.min_version]
    context.maximum_version = _VERSIONS[config.max_version]
    _load(lambda: context.load_cert_chain(config.cert_file, config.key_file, _no_password), config.cert_file)
    ciphers = [name for suite in config.cipher_suites if (name := CIPHER_SUITES[suite])]
    if ciphers:
        context.set_ciphers(":".join(ciphers))
    if not config.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    for curve in config.curve_preferences:
        context.set_ecdh_curve(CURVES[curve])
    context.verify_mode = _CLIENTS[config.client_auth_type]
    ca_file = config.client_ca_file
    if ca_file is not None:
        _load(lambda: context.load_verify_locations(ca_file), ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def allowed_client(config: TlsServer) -> Callable[[Certificate], bool]:
    """Whether a verified client certificate carries one of `client_allowed_sans`; any will do when none are listed."""
    wanted = {_comparable(name) for name in config.client_allowed_sans}

    def allowed(certificate: Certificate) -> bool:
        return not wanted or any(_comparable(name) in wanted for _, name in certificate.get("subjectAltName", ()))

    return allowed


def _comparable(name: str) -> str:
    """Python spells IPv6 addresses of certificates with all their zeroes."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _no_password() -> NoReturn:
    raise ValueError("is encrypted")  # otherwise OpenSSL would ask for it on the terminal


def _load(load: Callable[[], None], file: Path) -> None:
    try:
        load()
    except ValueError:
        raise ConfigError(
            f"{file}: the private key is encrypted, and there is nobody to ask for its password"
        ) from None
    except ssl.SSLError as error:
        reason = (error.reason or "no certificate or key in it").replace("_", " ").lower()
        raise ConfigError(f"{file}: cannot be used for TLS: {reason}") from None
    except OSError as error:
        raise ConfigError(f"{error.filename or file}: cannot be read: {error.strerror or error}") from None
