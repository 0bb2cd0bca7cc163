"""docs/metrics.md says what the code says."""

from __future__ import annotations

from pathlib import Path

from rabbitwatch.metrics.doc import page
from rabbitwatch.metrics.samples import COLLECTORS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def test_the_document_is_not_stale() -> None:
    written = DOCUMENT.read_text(encoding="utf-8")
    assert written == page(), "run: python -m rabbitwatch.metrics.doc > docs/metrics.md"


def test_every_family_has_its_entry() -> None:
    text = page()
    assert all(f"\n### `{collector.family.name}`\n" in text for collector in COLLECTORS)
