"""The window's history on disk: what came since the last time is added in compressed chunks, what is too old goes.

A chunk is a family of one cluster over the polls of about a minute, series by series, so that what stands still
compresses to nothing. Keys (label values) are stored once for all chunks, and all families, that have the same ones.
The agent that is killed loses the history since the last `save`, a minute, and no more.
"""

from __future__ import annotations

import sqlite3
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain, groupby

import msgspec
import structlog

from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.window import RuleStretch, Stretch, Window
from rabbitwatch.promql.window.cells import ABSENT
from rabbitwatch.storage.database import Database

_LEVEL = 1

_log = structlog.get_logger(__name__)

_StoredKeys = tuple[tuple[str, ...], list[tuple[str, ...]]]
_StoredSeries = tuple[dict[str, str], bytes, bytes]

_encode = msgspec.msgpack.Encoder().encode
_decode_keys = msgspec.msgpack.Decoder(_StoredKeys).decode
_decode_series = msgspec.msgpack.Decoder(list[_StoredSeries]).decode


class History:
    """Keeps a window's history in the database. One thread at a time."""

    def __init__(self, database: Database, window: Window) -> None:
        self._database = database
        self._window = window
        self._marks: dict[tuple[str, str], int] = {}
        self._rules_mark = -1
        self._keys: dict[object, int] = {}

    def save(self, now_ms: int) -> None:
        """Add what the window has that is not stored yet, and drop what nobody asks for any more; StorageError."""
        marks = dict(self._marks)
        keys: dict[object, int] = {}
        with self._database.transaction() as connection:
            for stretch in self._window.newer_than(self._marks):
                keys[stretch.token] = self._add(connection, stretch)
                marks[stretch.scope, stretch.family] = stretch.times[-1]
            rules_mark = self._add_rules(connection)
            _prune(connection, self._window.span_of, now_ms)
        # only what is committed counts as stored
        self._marks, self._rules_mark, self._keys = marks, rules_mark, keys

    def restore(self, now_ms: int) -> int:
        """Hand the stored history to the window, which takes what is asked for; how many chunks could be read.

        Only after Window.retain and before the first poll. A chunk that cannot be read is left out and logged.
        """
        with self._database.transaction() as connection:
            chunks = list(_chunks(connection, now_ms))
            rules = list(_rules(connection, now_ms))
        self._window.restore(chunks, _joined(rules))
        for chunk in chunks:
            mark = (chunk.scope, chunk.family)
            self._marks[mark] = max(self._marks.get(mark, -1), chunk.times[-1])
        self._rules_mark = max((rule.times[-1] for rule in rules), default=-1)
        return len(chunks)

    def _add(self, connection: sqlite3.Connection, stretch: Stretch) -> int:
        keys = self._key_id(connection, stretch)
        times = array("q", stretch.times)
        connection.execute(
            "INSERT INTO window_chunks (scope, family, to_ms, keys, times, cells) VALUES (?, ?, ?, ?, ?, ?)",
            (stretch.scope, stretch.family, times[-1], keys, times.tobytes(), _pack(stretch)),
        )
        return keys

    def _key_id(self, connection: sqlite3.Connection, stretch: Stretch) -> int:
        known = self._keys.get(stretch.token)
        if known is not None and connection.execute("SELECT 1 FROM window_keys WHERE id = ?", (known,)).fetchone():
            return known
        blob = zlib.compress(_encode((stretch.label_names, stretch.keys)), _LEVEL)
        digest = blake2b(blob, digest_size=16).digest()
        connection.execute("INSERT OR IGNORE INTO window_keys (digest, keys) VALUES (?, ?)", (digest, blob))
        (number,) = connection.execute("SELECT id FROM window_keys WHERE digest = ?", (digest,)).fetchone()
        return int(number)

    def _add_rules(self, connection: sqlite3.Connection) -> int:
        newest = self._rules_mark
        found = sorted(self._window.rules_newer_than(self._rules_mark), key=lambda rule: rule.labels.name)
        for name, rules in groupby(found, key=lambda rule: rule.labels.name):
            series = [(r.labels.as_dict(), r.times.tobytes(), r.values.tobytes(), r.times[-1]) for r in rules]
            to_ms = max(each[3] for each in series)
            blob = zlib.compress(_encode([each[:3] for each in series]), _LEVEL)
            connection.execute("INSERT INTO window_rules (family, to_ms, series) VALUES (?, ?, ?)", (name, to_ms, blob))
            newest = max(newest, to_ms)
        return newest


def _pack(stretch: Stretch) -> bytes:
    """The cells, series by series."""
    width = len(stretch.keys)
    rows = [row if len(row) == width else row + array("d", [ABSENT]) * (width - len(row)) for row in stretch.rows]
    turned = array("d", chain.from_iterable(zip(*rows, strict=True)))
    return zlib.compress(turned.tobytes(), _LEVEL)


def _unpack(cells: bytes, times: Sequence[int], width: int) -> list[array[float]]:
    turned = array("d", zlib.decompress(cells))
    count = len(times)
    if len(turned) != count * width:
        raise ValueError(f"{len(turned)} cells where {count} x {width} belong")
    return [turned[i::count] for i in range(count)]


def _chunks(connection: sqlite3.Connection, now_ms: int) -> Iterator[Stretch]:
    known: dict[int, _StoredKeys] = {}
    rows = connection.execute(
        "SELECT c.scope, c.family, c.times, c.cells, c.keys, k.keys FROM window_chunks c"
        " JOIN window_keys k ON k.id = c.keys WHERE c.to_ms <= ? ORDER BY c.to_ms",
        (now_ms,),
    )
    for scope, family, times, cells, number, blob in rows:
        try:
            if number not in known:
                known[number] = _decode_keys(zlib.decompress(blob))
            label_names, keys = known[number]
            stamps = array("q", times)
            yield Stretch(scope, family, label_names, keys, stamps, _unpack(cells, stamps, len(keys)))
        except (ValueError, zlib.error, msgspec.DecodeError) as error:
            _log.error("a piece of the stored history cannot be read", family=family, cluster=scope, why=str(error))


def _rules(connection: sqlite3.Connection, now_ms: int) -> Iterator[RuleStretch]:
    rows = connection.execute("SELECT family, series FROM window_rules WHERE to_ms <= ? ORDER BY to_ms", (now_ms,))
    for family, blob in rows:
        try:
            for labels, times, values in _decode_series(zlib.decompress(blob)):
                yield RuleStretch(LabelSet.of(labels), array("q", times), array("d", values))
        except (ValueError, zlib.error, msgspec.DecodeError) as error:
            _log.error("a piece of the stored history cannot be read", family=family, why=str(error))


def _joined(rules: Iterable[RuleStretch]) -> list[RuleStretch]:
    """One stretch a series, from those that follow each other."""
    whole: dict[LabelSet, RuleStretch] = {}
    for rule in rules:
        before = whole.get(rule.labels)
        if before is None:
            whole[rule.labels] = rule
        else:
            whole[rule.labels] = RuleStretch(rule.labels, before.times + rule.times, before.values + rule.values)
    return list(whole.values())


def _prune(connection: sqlite3.Connection, span_of: Callable[[str], int], now_ms: int) -> None:
    """Drop chunks that are older than their family's span, and keys that no chunk refers to any more."""
    gone = 0
    for table in ("window_chunks", "window_rules"):
        stored = {name for (name,) in connection.execute(f"SELECT DISTINCT family FROM {table}")}  # noqa: S608
        for name in stored:
            until = now_ms - span_of(name)
            gone += connection.execute(f"DELETE FROM {table} WHERE family = ? AND to_ms < ?", (name, until)).rowcount  # noqa: S608
    if gone:
        connection.execute("DELETE FROM window_keys WHERE id NOT IN (SELECT keys FROM window_chunks)")
