"""The configuration file and the web configuration file, loaded completely and checked before anyone uses them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rabbitwatch.config import bindings
from rabbitwatch.config.addresses import parse_listen
from rabbitwatch.config.alertmanagerfile import AlertmanagerFile, places, read_alertmanager_file
from rabbitwatch.config.checks import check
from rabbitwatch.config.environment import expand
from rabbitwatch.config.finishing import secrets
from rabbitwatch.config.inhibitions import shipped_inhibit_rules
from rabbitwatch.config.models import ClusterConfig, Config
from rabbitwatch.config.problems import located
from rabbitwatch.config.reading import raise_all, read
from rabbitwatch.config.warnings import warnings
from rabbitwatch.config.webfile import WebFile, read_web_file
from rabbitwatch.config.yamltree import Tree
from rabbitwatch.errors import ConfigError, Place

_NOTICES = ("route", "receivers", "inhibit_rules", "time_intervals")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A whole configuration that can be used.

    path: the file it came from; None: there is none, and all is default. web, web_path: the web configuration file,
    where one is named. warnings: what works and is risky, one line each. secrets: every secret value, for the logs to
    hide. places: where the keys of receivers and of actions stand, by their spelling
    (`receivers[0].slack_configs[0].title`), for what is found wrong with them later.
    """

    config: Config
    path: Path | None
    web: WebFile | None
    web_path: Path | None
    warnings: tuple[str, ...]
    secrets: frozenset[str]
    places: Mapping[str, Place] = field(default_factory=dict)


def load(
    path: Path | None,
    *,
    web_file: Path | None = None,
    listen: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Loaded:
    """The configuration at `path`, or all defaults when that is None. What the command line says goes first: `web_file`
    before `web.config_file`, `listen` before `web.listen`.

    Everything that the configuration names is read too: secrets' files, the web configuration file and its
    certificates. Raises ConfigFileError with all that is wrong. Changes nothing.
    """
    known = os.environ if environment is None else environment
    if path is None:
        config, tree = Config(), Tree("defaults")
    else:
        config, tree = read(path, Config, expand=partial(expand, environment=known))
        raise_all([*_duplicates(config, tree), *_notices(config, tree)])
    notices = read_alertmanager_file(config.notify.alertmanager_file) if config.notify.alertmanager_file else None
    config = with_notices(config, notices)
    raise_all([*bindings.check(config.actions, config.time_intervals, tree)])
    if listen is not None:
        config = config.model_copy(update={"web": config.web.model_copy(update={"listen": _checked(listen)})})
    web_path = web_file or config.web.config_file
    web = read_web_file(web_path) if web_path else None
    return Loaded(
        config=config,
        path=path,
        web=web,
        web_path=web_path,
        warnings=(*warnings(config, path, web), *(notices.warnings if notices else ())),
        secrets=frozenset(filter(None, (*secrets(config), *secrets(web), *(notices.secrets if notices else ())))),
        places={**places(tree), **(notices.places if notices else {})},
    )


def with_notices(config: Config, file: AlertmanagerFile | None) -> Config:
    """The configuration with the sections about notices from an alertmanager.yml, where there is one, and with the
    shipped inhibition rules where nothing else says any."""
    if file is not None:
        config = config.model_copy(update={key: getattr(file, key) for key in _NOTICES})
    if config.inhibit_rules is None:
        config = config.model_copy(update={"inhibit_rules": shipped_inhibit_rules()})
    return config


def _notices(config: Config, tree: Tree) -> Iterator[ConfigError]:
    """What is wrong with the sections about notices; with an alertmanager.yml none of them may stand here too."""
    for index, file in enumerate(config.notify.templates):
        if not file.is_file():
            yield located(tree, ("notify", "templates", index), f"{file} is no file that can be read")
    if config.notify.alertmanager_file is None:
        yield from (finding.error for finding in check(config, tree))
        return
    for key in _NOTICES:
        if key in config.model_fields_set:
            told = "notify.alertmanager_file says this already: keep one of the two"
            yield located(tree, (key,), told, of_key=True)


def _checked(listen: str) -> str:
    try:
        parse_listen(listen)
    except ValueError as error:
        raise ConfigError(f"--web.listen-address: {error}") from None
    return listen


def summary(loaded: Loaded) -> str:
    """One sentence: what this configuration watches and where it listens."""
    config = loaded.config
    nodes = sum(len(cluster.nodes) for cluster in config.clusters)
    discovering = sum(cluster.discover for cluster in config.clusters)
    policies = sum(len(cluster.policies) for cluster in config.clusters)
    parts = [_count(len(config.clusters), "cluster"), _count(nodes, "node")]
    if discovering:
        parts.append(f"discovery on in {discovering}")
    if policies:
        parts.append(_count(policies, "declared policy", "declared policies"))
    if config.receivers:
        parts.append(_count(len(config.receivers), "receiver"))
    if config.alertmanagers:
        parts.append(_count(len(config.alertmanagers), "Alertmanager"))
    scheme = "https" if loaded.web and loaded.web.tls_server_config else "http"
    users = len(loaded.web.basic_auth_users) if loaded.web else 0
    guarded = f" for {_count(users, 'user')}" if users else ""
    return f"{', '.join(parts)}; serves {scheme} on {config.web.listen}{guarded}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _duplicates(config: Config, tree: Tree) -> Iterator[ConfigError]:
    """Names and addresses that must be there once: two series with the same labels would spoil a whole scrape."""
    yield from _duplicate_alertmanagers(config, tree)
    names: dict[str, int] = {}
    for index, cluster in enumerate(config.clusters):
        at = ("clusters", index)
        first = names.setdefault(cluster.label, index)
        if first != index:
            line = tree.place(("clusters", first)).line
            place = (*at, "name") if cluster.name else at
            yield located(tree, place, f"duplicate cluster {cluster.label!r}, the first is on line {line}")
        yield from _duplicate_nodes(cluster, index, tree)


def _duplicate_alertmanagers(config: Config, tree: Tree) -> Iterator[ConfigError]:
    seen: dict[str, int] = {}
    for index, manager in enumerate(config.alertmanagers):
        first = seen.setdefault(manager.url, index)
        if first != index:
            line = tree.place(("alertmanagers", first)).line
            told = f"duplicate Alertmanager {manager.url!r}, the first is on line {line}"
            yield located(tree, ("alertmanagers", index), told)


def _duplicate_nodes(cluster: ClusterConfig, cluster_index: int, tree: Tree) -> Iterator[ConfigError]:
    for key in ("url", "name"):
        seen: dict[str, int] = {}
        for index, node in enumerate(cluster.nodes):
            value = getattr(node, key)
            if value is None:
                continue
            first = seen.setdefault(value, index)
            if first != index:
                line = tree.place(("clusters", cluster_index, "nodes", first)).line
                what = "node address" if key == "url" else "node name"
                at = ("clusters", cluster_index, "nodes", index, key)
                yield located(tree, at, f"duplicate {what} {value!r}, the first is on line {line}")
