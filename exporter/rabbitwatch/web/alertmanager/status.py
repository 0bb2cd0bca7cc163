"""/status: who answers here, and by which configuration."""

from __future__ import annotations

from typing import Any

from rabbitwatch import __version__
from rabbitwatch.config.models import Config
from rabbitwatch.web.alertmanager.documents import moment
from rabbitwatch.web.alertmanager.original import original

SPEAKS = "0.25.0"
"""The Alertmanager whose API this is: clients compare `version` with releases of it, and amtool warns of any but its
own. What later ones have added (mutedBy, annotations of silences) is there too."""


def status(config: Config, started: float) -> dict[str, Any]:
    """alertmanagerStatus. A pair of agents is no cluster of Alertmanager's kind, so that is `disabled`."""
    return {
        "cluster": {"peers": [], "status": "disabled"},
        "config": {"original": original(config)},
        "uptime": moment(started),
        "versionInfo": {
            "branch": "",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "revision": f"rabbitwatch-{__version__}",
            "version": SPEAKS,
        },
    }
