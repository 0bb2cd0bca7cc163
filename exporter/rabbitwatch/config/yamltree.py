"""YAML as plain data that still knows on which line and column every key and value stands.

Stricter than YAML where a typo would hide: a key twice in one mapping is an error, and so is more than one document.
Friendlier where YAML 1.1 surprises: dates and `1:30` stay text. Anchors, aliases and merge keys work; an alias that
contains itself, and a file that expands to far more values than anybody writes, are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from rabbitwatch.errors import ConfigError, ConfigFileError, Place

MAX_BYTES = 4 << 20
MAX_DEPTH = 64
MAX_VALUES = 100_000

Path = tuple[str | int, ...]

_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
_COLLECTIONS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_KNOWN_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str"))


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with a limit on nesting and without the types that turn plain words into something else."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way to configure a loader
        first: [(tag, regex) for tag, regex in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"nests deeper than {MAX_DEPTH} levels", problem_mark=mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


@dataclass(slots=True)
class Tree:
    """The data of one file, and where its parts stand.

    values, keys: the place of the value, and of the key, at a path such as ("clusters", 0, "name").
    problems: what is wrong with single values; their paths are in `spoilt`, where `data` holds a stand-in.
    spelt: how a value that YAML takes for a number, bool or null is written, for readers that want text there.
    """

    file: str
    data: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[ConfigError] = field(default_factory=list)
    spoilt: set[Path] = field(default_factory=set)
    spelt: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path, *, of_key: bool = False) -> Place:
        """The place of the value (or the key) at `path`, or of the nearest thing around it."""
        if of_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place(self.file))


def spell(path: Path) -> str:
    """A path as messages show it: `clusters[0].nodes[1]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def parse(text: str, file: str, *, expand: Callable[[str], str] = str) -> Tree:
    """The tree of `text`; `expand` is applied to every text value (never to keys).

    Raises ConfigFileError where the text is no YAML at all; what is wrong with single values is in the tree's problems.
    """
    try:
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise ConfigFileError([_syntax(error, file)]) from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split("\n")[0].split())
        raise ConfigFileError([ConfigError(f"is no YAML: {reason}", Place(file))]) from None
    tree = Tree(file)
    if root is not None:
        _Builder(tree, expand).build(root)
    return tree


def _unsupported(node: yaml.Node) -> str:
    return f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} is not supported"


def _syntax(error: yaml.MarkedYAMLError, file: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    problem = error.problem or error.context or "cannot be read"
    if "'\\t'" in problem:
        problem = "a tab stands where YAML wants spaces: indent with spaces"
    elif "expected a single document" in (error.context or ""):
        problem = "a second document ('---') starts here: one file is one document"
    elif error.context and error.context_mark and error.context_mark.line != (mark.line if mark else None):
        problem = f"{problem} ({error.context} that starts on line {error.context_mark.line + 1})"
    return ConfigError(f"is no YAML: {problem}", place)


class _Builder:
    """One walk over the composed nodes."""

    def __init__(self, tree: Tree, expand: Callable[[str], str]) -> None:
        self._tree = tree
        self._expand = expand
        self._open: set[int] = set()
        self._count = 0
        self._scalars = _Loader("")

    def build(self, root: yaml.Node) -> None:
        self._tree.data = self._value(root, ())

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._tree.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _problem(self, path: Path, node: yaml.Node, message: str, *, spoils: bool = True) -> None:
        where = f"{spell(path)}: " if path else ""
        self._tree.problems.append(ConfigError(where + message, self._place(node)))
        if spoils:
            self._tree.spoilt.add(path)

    def _spend(self, node: yaml.Node) -> None:
        """Aliases can make a small file expand without end; this is what ends it."""
        self._count += 1
        if self._count > MAX_VALUES:
            message = f"the aliases of this file expand to more than {MAX_VALUES} values"
            raise ConfigFileError([ConfigError(message, self._place(node))])

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._spend(node)
        self._tree.values[path] = self._place(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _COLLECTIONS:
            self._problem(path, node, _unsupported(node))
            return None
        if id(node) in self._open:
            self._problem(path, node, "this alias contains itself")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if node.tag == _TEXT or (node.style is None and ":" in node.value and node.tag in _KNOWN_TAGS):
            try:
                return self._expand(node.value)
            except ValueError as error:
                self._problem(path, node, str(error))
                return node.value
        if node.tag not in _KNOWN_TAGS:
            self._problem(path, node, _unsupported(node))
            return None
        self._tree.spelt[path] = node.value
        try:
            return self._scalars.construct_object(node)
        except (ValueError, KeyError, yaml.YAMLError):
            self._problem(path, node, f"is no {node.tag.rpartition(':')[2]}")
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        first: dict[str, yaml.Node] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(path, key_node, "a key must be text, not a list or a mapping", spoils=False)
                continue
            key = key_node.value
            if key in first:
                line = first[key].start_mark.line + 1
                self._problem(path, key_node, f"duplicate key {key!r}, the first is on line {line}", spoils=False)
                continue
            first[key] = key_node
            self._tree.keys[*path, key] = self._place(key_node)
            found[key] = self._value(value_node, (*path, key))
        for key, value_node in self._merged(node, path):
            if key not in found:
                found[key] = self._value(value_node, (*path, key))
        return found

    def _merged(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
        """What `<<` brings in, nearest first; the mapping's own keys win, and so does an earlier merge."""
        for key_node, value_node in node.value:
            if key_node.tag != _MERGE:
                continue
            sources = value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
            for source in sources:
                if not isinstance(source, yaml.MappingNode):
                    self._problem(path, value_node, "'<<' merges mappings only", spoils=False)
                elif id(source) in self._open:
                    self._problem(path, value_node, "this alias contains itself", spoils=False)
                else:
                    yield from self._own_and_merged(source, path)

    def _own_and_merged(self, source: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
        self._spend(source)
        self._open.add(id(source))
        try:
            for key_node, value_node in source.value:
                if key_node.tag != _MERGE and isinstance(key_node, yaml.ScalarNode):
                    yield key_node.value, value_node
            yield from self._merged(source, path)
        finally:
            self._open.discard(id(source))
