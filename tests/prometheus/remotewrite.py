"""Samples for a Prometheus server by its remote-write protocol 0.1.0, without a library: protobuf in a snappy frame.

Remote write carries 64-bit floats as they are, so staleness markers arrive bit for bit, which no text format can do.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.promql.labels import METRIC_NAME

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_DOUBLE = struct.Struct("<d").pack
_ONE_LITERAL = 63 << 2


@dataclass(frozen=True, slots=True)
class Written:
    """One series: its labels as `named` made them, and its samples, ascending."""

    labels: bytes
    samples: Iterable[bytes]


def varint(number: int) -> bytes:
    """A non-negative number as protobuf and snappy write it."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, payload: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(payload)) + payload


def named(name: str, labels: Mapping[str, str]) -> bytes:
    """The label pairs of a series; empty values are no labels."""
    pairs = sorted([(METRIC_NAME, name), *((n, v) for n, v in labels.items() if v)])
    return b"".join(_field(1, _field(1, n.encode()) + _field(2, v.encode())) for n, v in pairs)


def stamp(at_ms: int) -> bytes:
    """The end of each sample at that time, for `sample`."""
    return b"\x10" + varint(at_ms)


def sample(value: float, stamped: bytes) -> bytes:
    """One sample, its time already written by `stamp`."""
    return b"\x12" + bytes([9 + len(stamped)]) + b"\x09" + _DOUBLE(value) + stamped


def request(series: Iterable[Written]) -> bytes:
    """The body of one request."""
    return framed(b"".join(_field(1, one.labels + b"".join(one.samples)) for one in series))


def framed(payload: bytes) -> bytes:
    """A snappy block that holds the payload as one literal: valid, and not compressed."""
    return varint(len(payload)) + bytes([_ONE_LITERAL]) + struct.pack("<I", len(payload) - 1) + payload


def batches(series: Sequence[Written], size: int) -> Iterable[bytes]:
    """Bodies of that many series each."""
    for begin in range(0, len(series), size):
        yield request(series[begin : begin + size])
