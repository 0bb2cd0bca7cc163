"""web.yml: TLS, basic auth, headers and rate limit of the agent's own HTTP server.

The format is that of Prometheus' exporter toolkit (its docs/web-configuration.md), so that one file serves all
exporters of a machine. What Python's TLS or uvicorn cannot do is refused with the reason; nothing is ignored.
Relative paths count from this file's folder; values are taken as they are, with no `${ENV}`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from rabbitwatch.config.durations import Duration
from rabbitwatch.config.problems import KeyedError
from rabbitwatch.config.reading import read
from rabbitwatch.config.strict import Strict

TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
_VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")

# Go's names of what its crypto/tls calls secure (the toolkit accepts no others), and OpenSSL's. The three of TLS 1.3
# are always on, there as here: they can be listed and change nothing.
CIPHER_SUITES: dict[str, str | None] = {
    "TLS_AES_128_GCM_SHA256": None,
    "TLS_AES_256_GCM_SHA384": None,
    "TLS_CHACHA20_POLY1305_SHA256": None,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}


class TlsServer(Strict):
    """How the server proves itself, and what it wants to see of a client."""

    cert_file: Path
    key_file: Path
    cert: str = ""
    key: str = ""
    client_ca: str = ""
    client_auth_type: Literal[
        "NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven",
        "RequireAndVerifyClientCert",
    ] = "NoClientCert"  # fmt: skip
    client_ca_file: Path | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[str, ...] = ()

    @field_validator("cert", "key", "client_ca")
    @classmethod
    def _inline(cls, value: str) -> str:
        if value:
            raise ValueError("cannot be given inline here, because Python loads certificates from files: use the _file")
        return value

    @field_validator("client_auth_type")
    @classmethod
    def _verifiable(cls, value: str) -> str:
        if value in {"RequestClientCert", "RequireAnyClientCert"}:
            raise ValueError(
                f"{value} takes certificates unverified, which Python's TLS cannot: require and verify them"
            )
        return value

    @field_validator("min_version", "max_version")
    @classmethod
    def _spoken(cls, value: str) -> str:
        if value in {"TLS10", "TLS11"}:
            raise ValueError(f"{value} is switched off in today's OpenSSL: write TLS12 or TLS13")
        return value

    @field_validator("cipher_suites")
    @classmethod
    def _ciphers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in CIPHER_SUITES]
        if unknown:
            raise ValueError(f"unknown cipher suite {unknown[0]!r}; known: {', '.join(sorted(CIPHER_SUITES))}")
        return value

    @field_validator("curve_preferences")
    @classmethod
    def _curves(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in CURVES]
        if unknown:
            raise ValueError(f"unknown curve {unknown[0]!r}; known: {', '.join(CURVES)}")
        if len(value) > 1:
            raise ValueError("Python's TLS can be held to one curve only: list one, or none for the defaults")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> TlsServer:
        if _VERSIONS.index(self.min_version) > _VERSIONS.index(self.max_version):
            raise KeyedError("min_version", f"is above max_version ({self.max_version})")
        if self.client_ca_file and self.client_auth_type == "NoClientCert":
            raise KeyedError("client_ca_file", "needs client_auth_type: RequireAndVerifyClientCert beside it")
        if self.client_auth_type != "NoClientCert" and not self.client_ca_file:
            raise KeyedError("client_auth_type", "needs client_ca_file beside it")
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise KeyedError("client_allowed_sans", "needs client_auth_type: RequireAndVerifyClientCert beside it")
        return self


class Headers(Strict):
    """The headers that the toolkit lets a file add to every response; a blank one is not sent."""

    content_security_policy: str = Field("", alias="Content-Security-Policy")
    x_frame_options: Literal["", "deny", "sameorigin"] = Field("", alias="X-Frame-Options")
    x_content_type_options: Literal["", "nosniff"] = Field("", alias="X-Content-Type-Options")
    x_xss_protection: str = Field("", alias="X-XSS-Protection")
    strict_transport_security: str = Field("", alias="Strict-Transport-Security")

    @field_validator("content_security_policy", "x_xss_protection", "strict_transport_security")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isascii() or not (value.isprintable() or not value):
            raise ValueError("must be one line of ASCII")
        return value

    def lines(self) -> dict[str, str]:
        """Header names in lower case and their values, without the blank ones."""
        return {key.lower(): value for key, value in self.model_dump(by_alias=True).items() if value}


class HttpServer(Strict):
    """http2: HTTP/1.1 is what uvicorn speaks, and clients fall back to it by themselves; None: not mentioned."""

    http2: bool | None = None
    headers: Headers = Field(default_factory=lambda: Headers.model_validate({}))

    @property
    def http2_asked(self) -> bool:
        return self.http2 is True


class RateLimit(Strict):
    """A token bucket over all requests: one token every `interval`, at most `burst` of them; interval 0: no limit."""

    interval: Duration = 0.0
    burst: Annotated[int, Field(ge=0)] = 0


class WebFile(Strict):
    """The whole file. basic_auth_users: user name to bcrypt hash; none means that nobody is asked."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = HttpServer()
    basic_auth_users: dict[str, SecretStr] = Field(default_factory=dict)
    rate_limit: RateLimit = RateLimit()

    @field_validator("basic_auth_users")
    @classmethod
    def _hashes(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for user, digest in value.items():
            match = _BCRYPT.fullmatch(digest.get_secret_value())
            if match is None or not 4 <= int(match[1]) <= 31:
                raise KeyedError(user, "is no bcrypt hash: make one with `htpasswd -nBC 10 \"\" | tr -d ':\\n'`")
            if ":" in user:
                raise KeyedError(user, "a user's name cannot hold a colon: HTTP ends the name there")
        return value

    @property
    def certificate_files(self) -> tuple[Path, ...]:
        """The files beside this one whose change on disk matters."""
        tls = self.tls_server_config
        return () if tls is None else tuple(f for f in (tls.cert_file, tls.key_file, tls.client_ca_file) if f)


def read_web_file(path: Path) -> WebFile:
    """The checked file; raises ConfigFileError with all that is wrong. web.tls tries the certificates."""
    return read(path, WebFile)[0]
