"""What is broken in a payload loses only itself, and is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rabbitwatch.clients.payload import decode_list, decode_object
from rabbitwatch.errors import CallError, CallFailure
from rabbitwatch.model.broker import BrokerNode, Overview, Queue

GOOD = {"name": "good", "vhost": "/", "messages": 3, "slave_nodes": ["rabbit@b"], "something_new": {"a": 1}}


def queues(*entries: object) -> bytes:
    return json.dumps(list(entries)).encode()


def test_a_whole_list_decodes_with_unknown_and_missing_fields() -> None:
    payload = decode_list(queues(GOOD, {"name": "bare", "vhost": "v"}), Queue)
    assert [(q.name, q.messages) for q in payload.value] == [("good", 3), ("bare", None)]
    assert payload.flaws == ()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (None, ["entry 1", "no object: null"]),
        ([], ["entry 1", "no object"]),
        ({"vhost": "/"}, ["entry 1", "no usable name"]),
        ({"name": None, "vhost": "/"}, ["name", "null"]),
        ({"name": "x\ny", "vhost": 7}, ['"x\\ny"', "vhost"]),
    ],
    ids=["null", "list", "nameless", "null-name", "wrong-vhost"],
)
def test_an_entry_that_cannot_be_used_loses_only_itself(broken: object, words: list[str]) -> None:
    payload = decode_list(queues(GOOD, broken, {**GOOD, "name": "after"}), Queue)
    assert [queue.name for queue in payload.value] == ["good", "after"]
    text = " ".join(payload.flaws)
    assert all(word in text for word in words), text
    assert all(flaw.isprintable() for flaw in payload.flaws)


def test_a_field_of_the_wrong_type_is_not_told_and_the_rest_stays() -> None:
    body = json.dumps([{"name": "rabbit@a", "running": True, "disk_free": "disabled", "partitions": [None]}]).encode()
    payload = decode_list(body, BrokerNode)
    assert payload.value == (BrokerNode(name="rabbit@a", running=True),)
    assert [flaw.split(": ")[1] for flaw in payload.flaws] == ["partitions", "disk_free"]


def test_null_where_a_list_belongs_inside_an_entry_is_not_told() -> None:
    payload = decode_list(b'[{"name": "rabbit@a", "partitions": null, "running": false}]', BrokerNode)
    assert payload.value[0].partitions is None
    assert payload.flaws == ()


def test_flaws_are_capped() -> None:
    payload = decode_list(queues(*({"name": f"q{n}", "vhost": "/", "messages": "many"} for n in range(1000))), Queue)
    assert len(payload.value) == 1000
    assert len(payload.flaws) == 20
    assert payload.flaws[-1] == "and 981 more of this kind"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"null", "not a list: null"),
        (b'{"error": "x"}', 'not a list: {"error": "x"}'),
        (b"", "empty body"),
        (b"[{", "broken JSON of 2 bytes"),
        (b"<html>", "broken JSON"),
        (b"[\xff\xfe]", "broken JSON"),
    ],
)
def test_what_is_no_list_at_all_is_an_error(body: bytes, words: str) -> None:
    with pytest.raises(CallError, match="JSON") as caught:
        decode_list(body, Queue)
    assert caught.value.kind is CallFailure.ERROR
    assert words in caught.value.reason


def test_an_object_keeps_its_good_fields() -> None:
    payload = decode_object(b'{"node": 5, "cluster_name": "c", "object_totals": [1]}', Overview)
    assert payload.value == Overview(cluster_name="c")
    assert len(payload.flaws) == 2
    with pytest.raises(CallError, match="not an object: null"):
        decode_object(b"null", Overview)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255)


@given(st.lists(NAMES, max_size=8))
def test_names_survive_whatever_they_hold(names: list[str]) -> None:
    payload = decode_list(json.dumps([{"name": n, "vhost": n} for n in names]).encode(), Queue)
    assert [queue.name for queue in payload.value] == names
