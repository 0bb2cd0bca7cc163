from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.clients.cookie import cookie_file_hash
from rabbitwatch.errors import CallError

# `rabbitmq-diagnostics erlang_cookie_hash` of a 3.10.8 node whose cookie file holds LABBCOOKIE
MEASURED = "2VOZcXcZfdtpPpp/izulcg=="


@pytest.mark.parametrize("content", [b"LABBCOOKIE", b"LABBCOOKIE\n", b"LABBCOOKIE\r\n"])
def test_the_hash_is_the_broker_s_and_line_ends_do_not_count(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / ".erlang.cookie"
    file.write_bytes(content)
    assert cookie_file_hash(file) == MEASURED


def test_a_blank_inside_or_behind_the_cookie_counts(tmp_path: Path) -> None:
    file = tmp_path / "cookie"
    file.write_bytes(b"LABBCOOKIE \n")
    assert cookie_file_hash(file) != MEASURED


@pytest.mark.parametrize(("content", "words"), [(b"\n", "is empty"), (b"x" * 5000, "longer than 4096 bytes")])
def test_what_is_no_cookie_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "cookie"
    file.write_bytes(content)
    with pytest.raises(CallError, match=words) as caught:
        cookie_file_hash(file)
    assert str(file) in caught.value.reason


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="No such file") as caught:
        cookie_file_hash(tmp_path / "gone")
    assert str(tmp_path / "gone") in caught.value.reason
    with pytest.raises(CallError, match="Is a directory"):
        cookie_file_hash(tmp_path)
