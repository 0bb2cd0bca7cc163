from __future__ import annotations

import asyncio
import base64

import pytest
from tests.unit.web.serving import hashed

from rabbitwatch.web.passwords import Passwords


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Counting:
    """Stands for bcrypt: says yes to one password, and counts how often and against what it was asked."""

    def __init__(self, right: bytes) -> None:
        self.right = right
        self.asked: list[bytes] = []

    def __call__(self, password: bytes, digest: bytes) -> bool:
        self.asked.append(digest)
        return password == self.right and b"." * 22 not in digest


def allowed(passwords: Passwords, *headers: str | None) -> list[bool]:
    async def all_of_them() -> list[bool]:
        return [await passwords.allow(header) for header in headers]

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("kind", ["$2a$", "$2b$", "$2y$"])
def test_every_kind_of_bcrypt_hash_is_understood(kind: str) -> None:
    passwords = Passwords({"alice": hashed("pässword:x").replace("$2b$", kind)})
    assert allowed(passwords, basic("alice", "pässword:x"), basic("alice", "pässword:y")) == [True, False]


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic", "Basic !!!", "Bearer abc", "Basic " + base64.b64encode(b"alice").decode(), "Basic /////w=="],
)
def test_what_is_no_basic_authentication_is_refused(header: str | None) -> None:
    assert allowed(Passwords({"alice": hashed("x")}), header) == [False]


def test_answers_are_remembered_and_not_computed_again() -> None:
    check = Counting(b"right")
    passwords = Passwords({"alice": hashed("right")}, check)
    right, wrong = basic("alice", "right"), basic("alice", "wrong")
    assert allowed(passwords, right, right, wrong, wrong, right) == [True, True, False, False, True]
    assert len(check.asked) == 2


def test_a_wrong_user_costs_as_much_as_a_wrong_password() -> None:
    check = Counting(b"right")
    passwords = Passwords({"alice": hashed("right")}, check)
    assert allowed(passwords, basic("mallory", "right"), basic("alice", "wrong")) == [False, False]
    for_mallory, for_alice = check.asked
    assert for_mallory[4:6] == for_alice[4:6]
    assert len(for_mallory) == len(for_alice)


def test_no_more_than_a_few_answers_are_kept_and_no_password() -> None:
    passwords = Passwords({"alice": hashed("right")}, Counting(b"right"))
    allowed(passwords, *(basic("alice", f"guess-{n}") for n in range(300)))
    assert len(passwords._remembered) == 128
    assert "guess" not in repr(vars(passwords))


def test_a_long_password_and_one_with_a_nul_byte_do_no_harm() -> None:
    long = "x" * 100
    passwords = Passwords({"alice": hashed(long[:72])})
    assert allowed(passwords, basic("alice", long), basic("alice", "a\0b")) == [True, False]
