from __future__ import annotations

from pathlib import Path

import pytest
from rabbitlab.roots import broker_version, candidates, of_line

LISTING = """\
http://mirror.example/debian/|Debian|Debian
http://mirror.example/debian/|Debian|Debian
http://security.example/debian-security/|Debian|Debian-Security
https://packages.example/node/|. nodistro|nodistro
file:/srv/mirror/|Debian|Debian
copy:/srv/other|Debian|Debian
cdrom://[Debian 12]/|Debian|Debian
"""


def test_only_debians_own_archives_in_order_and_once() -> None:
    assert candidates(LISTING) == ["http://mirror.example/debian", "file:/srv/mirror", "file:/srv/other"]


def test_nothing_known() -> None:
    assert candidates("") == []
    assert candidates("\n|\n") == []


@pytest.mark.parametrize(
    ("version", "line", "belongs"),
    [
        ("3.10.8", "3.10", True),
        ("3.1.5", "3.10", False),
        ("4.0", "4.0", True),
        ("4.30.1", "4.3", False),
        (None, "4.0", False),
    ],
)
def test_version_lines(version: str | None, line: str, belongs: bool) -> None:
    assert of_line(version, line) is belongs


def test_the_version_is_read_from_the_root_folder(tmp_path: Path) -> None:
    assert broker_version(tmp_path) is None
    (tmp_path / "usr/lib/rabbitmq/lib/rabbitmq_server-4.0.5").mkdir(parents=True)
    assert broker_version(tmp_path) == "4.0.5"
