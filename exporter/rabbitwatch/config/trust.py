"""How the agent trusts the certificate of a server that it calls; every section with an address has it."""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from rabbitwatch.config.problems import KeyedError
from rabbitwatch.config.strict import Strict


class TlsConfig(Strict):
    """How the agent trusts a server's certificate, and what it shows of itself."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    verify: bool = True

    @model_validator(mode="after")
    def _pair(self) -> TlsConfig:
        if self.key_file and not self.cert_file:
            raise KeyedError("key_file", "needs cert_file beside it")
        return self
