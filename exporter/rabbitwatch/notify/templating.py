"""The words of notices: Jinja2 templates, the shipped ones and those of the configuration.

    texts = Texts.of({"email.subject": config.subject}, notify.templates, where="receivers[0].email_configs[0]")
    subject = texts.render("email.subject", notice, Medium.PLAIN)

A template of the configuration is tried on sample notices before anybody uses it. If it fails later all the same, the
shipped one takes its place for that notice: bad words must not keep an alert from being told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import structlog

from rabbitwatch.config.notices import NotifyConfig
from rabbitwatch.config.receivers import ReceiverConfig
from rabbitwatch.errors import ConfigError, ConfigFileError, Place
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.texts.library import Library, Source, TextError
from rabbitwatch.notify.texts.media import Medium
from rabbitwatch.notify.texts.samples import samples

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shipped:
    """A text that the program has words for: where it is read, and whether it must be a single line."""

    medium: Medium
    one_line: bool


SHIPPED: Mapping[str, Shipped] = MappingProxyType(
    {
        "slack.title": Shipped(Medium.SLACK, one_line=True),
        "slack.text": Shipped(Medium.SLACK, one_line=False),
        "email.subject": Shipped(Medium.PLAIN, one_line=True),
        "email.text": Shipped(Medium.PLAIN, one_line=False),
        "email.html": Shipped(Medium.HTML, one_line=False),
        "pagerduty.description": Shipped(Medium.PLAIN, one_line=True),
        "pagerduty.severity": Shipped(Medium.PLAIN, one_line=True),
        "apprise.title": Shipped(Medium.PLAIN, one_line=True),
        "apprise.text": Shipped(Medium.MARKDOWN, one_line=False),
        "file.text": Shipped(Medium.PLAIN, one_line=False),
    }
)
"""Every text, by the kind of receiver and the key in its configuration: templates/<name>.j2."""


class Texts:
    """The texts of one integration. Safe to use from several threads."""

    def __init__(self, library: Library, own: Mapping[str, Source]) -> None:
        self._library = library
        self._own = own
        self._complained: set[str] = set()

    @classmethod
    def of(
        cls, own: Mapping[str, str | None] | None = None, files: Sequence[Path] = (), *, where: str = "receiver"
    ) -> Texts:
        """own: templates of the configuration by their names in SHIPPED; None stands for the shipped one. files:
        whose macros they may call. where: the section that they stand in, for messages.

        Raises ConfigError for a file that cannot be used, ConfigFileError for templates that fail.
        """
        return cls(Library(files), {}).with_own(own or {}, where=where)

    def with_own(self, own: Mapping[str, str | None], *, where: str) -> Texts:
        """The texts of another integration, with the same files; raises ConfigFileError for templates that fail."""
        sources = {
            name: Source(text, f"{where}.{name.partition('.')[2]}") for name, text in own.items() if text is not None
        }
        texts = Texts(self._library, sources)
        errors = [error for name in sources if (error := texts.tried(name)) is not None]
        if errors:
            raise ConfigFileError(errors)
        return texts

    def has_own(self, name: str) -> bool:
        """Whether the configuration says something else than the shipped text."""
        return name in self._own

    def render(self, name: str, notice: Notice, medium: Medium | None = None) -> str:
        """The text called `name` for this notice. medium: where it will be read, when that is not what SHIPPED says.

        Never raises: a template of the configuration that fails is replaced by the shipped one, and logged once.
        """
        own = self._own.get(name)
        if own is not None:
            try:
                return self._rendered(own, name, notice, medium)
            except TextError as error:
                if name not in self._complained:
                    self._complained.add(name)
                    _log.error("template failed: the shipped one is used", template=own.name, error=str(error))
        return self._rendered(self._library.shipped(name), name, notice, medium)

    def tried(self, name: str) -> ConfigError | None:
        """What is wrong with the own text of that name, found on sample notices."""
        source = self._own[name]
        for what, notice in samples():
            try:
                self._rendered(source, name, notice, None)
            except TextError as error:
                return _refused(source, error, what)
        return None

    def _rendered(self, source: Source, name: str, notice: Notice, medium: Medium | None) -> str:
        kind = SHIPPED[name]
        text = self._library.render(source, notice, medium or kind.medium).strip()
        return " ".join(text.split()) if kind.one_line else text


def _refused(source: Source, error: TextError, what: str) -> ConfigError:
    """A fault inside a macro's file has that file's place; one in the configuration's text has its key's."""
    tried = f" (tried on {what})" if error.rendering else ""
    if error.file is not None:
        place = Place(error.file, error.line, error.column)
        return ConfigError(f"{error.message}{tried}, used by {source.name}", place)
    parts = [f"{word} {number}" for word, number in (("line", error.line), ("column", error.column)) if number]
    at = f"{', '.join(parts)}: " if parts else ""
    return ConfigError(f"{source.name}: {at}{error.message}{tried}")


def of_receivers(
    receivers: Sequence[ReceiverConfig], notify: NotifyConfig, places: Mapping[str, Place] | None = None
) -> Texts:
    """The texts with the files of `notify.templates`, when every template of every receiver has been tried.

    places: where a section stands, by its spelling. Raises ConfigFileError with all that fail.
    """
    base = Texts.of(files=notify.templates)
    errors: list[ConfigError] = []
    for where, own in _own_texts(receivers):
        try:
            base.with_own(own, where=where)
        except ConfigFileError as error:
            errors.extend(_placed(each, places or {}) for each in error.errors)
    if errors:
        raise ConfigFileError(errors)
    return base


def _placed(error: ConfigError, places: Mapping[str, Place]) -> ConfigError:
    """With the place of the section that its message begins with, where it has none of its own."""
    if error.place is not None:
        return error
    return ConfigError(error.message, places.get(error.message.partition(": ")[0]))


def _own_texts(receivers: Sequence[ReceiverConfig]) -> Iterator[tuple[str, dict[str, str | None]]]:
    for index, receiver in enumerate(receivers):
        for kind in dict.fromkeys(name.partition(".")[0] for name in SHIPPED):
            for number, config in enumerate(getattr(receiver, f"{kind}_configs")):
                yield f"receivers[{index}].{kind}_configs[{number}]", own_texts(kind, config)


def own_texts(kind: str, config: object) -> dict[str, str | None]:
    """The templates of one integration's configuration, for `Texts.with_own`. kind: such as `email`."""
    names = [name for name in SHIPPED if name.startswith(f"{kind}.")]
    return {name: getattr(config, name.partition(".")[2]) for name in names}
