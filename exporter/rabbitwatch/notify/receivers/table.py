"""The table of kinds of receivers, and the way from the configuration to what notices are handed to.

A new kind is one file with a `make(config, tools)`, one model in config/receivers.py, and one line here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel

from rabbitwatch.config.finishing import secrets
from rabbitwatch.config.receivers import HttpAuth, ReceiverConfig, ReceiverKind
from rabbitwatch.errors import ConfigError, ConfigFileError, Place, RabbitwatchError
from rabbitwatch.notify.ports import Sender
from rabbitwatch.notify.receivers import apprise, email, file, pagerduty, webhook
from rabbitwatch.notify.receivers.base import Integration, Tally
from rabbitwatch.notify.receivers.slack import make as slack
from rabbitwatch.notify.receivers.tools import Tools

KINDS: Mapping[str, Callable[[Any, Tools], Sender]] = {
    "slack": slack.make,
    "webhook": webhook.make,
    "email": email.make,
    "pagerduty": pagerduty.make,
    "apprise": apprise.make,
    "file": file.make,
}
"""By what stands before `_configs` in a receiver's section. A maker raises RabbitwatchError where it cannot serve."""


def integrations(
    receivers: Sequence[ReceiverConfig],
    tools: Tools,
    *,
    places: Mapping[str, Place] | None = None,
    tally: Tally | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, list[Integration]]:
    """By the receivers' names, in the order of the table; none has begun a thread.

    places: where a section stands, by its spelling. ConfigFileError with all that cannot be made.
    """
    made: dict[str, list[Integration]] = {receiver.name: [] for receiver in receivers}
    errors: list[ConfigError] = []
    for number, receiver in enumerate(receivers):
        for kind, index, config in _entries(receiver):
            key = f"{receiver.name}/{kind}[{index}]"
            try:
                sender = KINDS[kind](config, tools)
            except RabbitwatchError as error:
                section = f"receivers[{number}].{kind}_configs[{index}]"
                errors.append(ConfigError(f"receiver {key}: {error}", (places or {}).get(section)))
                continue
            integration = Integration(
                key,
                sender,
                timeout=config.timeout,
                send_resolved=config.send_resolved,
                max_per_minute=config.max_per_minute,
                secrets=hidden(config),
                tally=tally,
                now=clock,
            )
            made[receiver.name].append(integration)
    if errors:
        for integration in chain.from_iterable(made.values()):
            integration.close()
        raise ConfigFileError(errors)
    return made


def _entries(receiver: ReceiverConfig) -> Iterator[tuple[str, int, ReceiverKind]]:
    for kind in KINDS:
        for index, config in enumerate(getattr(receiver, f"{kind}_configs")):
            yield kind, index, config


def hidden(config: BaseModel) -> Iterator[str]:
    """What no message may hold of this entry: its secrets, the telling parts of secret addresses, its headers."""
    for secret in secrets(config):
        yield secret
        if "://" in secret:
            yield from _parts(secret)
    http = getattr(config, "http", None)
    if isinstance(http, HttpAuth):
        yield from http.headers.values()


def _parts(url: str) -> Iterator[str]:
    """Of a secret address, spelt as libraries quote it: path with query, each alone, the password."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    spellings = (f"{path}?{parts.query}", path, parts.query, parts.netloc.rpartition("@")[0], parts.password)
    for text in filter(None, spellings):
        yield text
        yield unquote(text)
    for _, value in parse_qsl(parts.query):
        yield value
