from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from rabbitwatch.clients.plugin import read_consumers, read_links
from rabbitwatch.errors import CallError

IDENTITY = b'rabbitmq_identity_info{rabbitmq_node="rabbit@a",rabbitmq_cluster="orders",more="x"} 1\n'


def test_links_and_identity() -> None:
    page = (
        b"# TYPE erlang_vm_dist_node_state gauge\n# HELP erlang_vm_dist_node_state The state.\n"
        b'erlang_vm_dist_node_state{peer="rabbit@b"} 3\n'
        b'erlang_vm_dist_node_state{peer="rabbit@c.example.org"} 1\n'
        b'erlang_vm_dist_node_state{other="x"} 3\n'
        b'erlang_vm_dist_node_queue_size_bytes{peer="rabbit@d"} 3\n' + IDENTITY
    )
    view = read_links(page)
    assert view.links == {"rabbit@b": 3, "rabbit@c.example.org": 1}
    assert (view.node, view.cluster) == ("rabbit@a", "orders")


def test_a_node_without_links_has_none() -> None:
    assert read_links(IDENTITY).links == {}


@pytest.mark.parametrize("page", [b"", b"node_cpu_seconds_total 5\n"])
def test_another_program_s_metrics_are_no_answer(page: bytes) -> None:
    with pytest.raises(CallError, match="rabbitmq_identity_info"):
        read_links(page)


def line(vhost: str, queue: str, number: int) -> str:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')

    return f'rabbitmq_detailed_queue_consumers{{vhost="{escaped(vhost)}",queue="{escaped(queue)}"}} {number}\n'


NAMES = st.text(st.sampled_from('ab"\\\n}{,= \t🐇'), max_size=6)


@given(st.dictionaries(st.tuples(NAMES, NAMES), st.integers(0, 1000), max_size=6))
def test_consumers_are_read_as_prometheus_own_parser_reads_them(consumers: dict[tuple[str, str], int]) -> None:
    page = "# TYPE rabbitmq_detailed_queue_consumers gauge\n" + "".join(line(*key, n) for key, n in consumers.items())
    samples = [s for family in text_string_to_metric_families(page) for s in family.samples]
    assert read_consumers(page.encode()).value == {(s.labels["vhost"], s.labels["queue"]): s.value for s in samples}
    assert read_consumers(page.encode()).value == consumers


def test_another_order_of_labels_and_further_ones_are_read_too() -> None:
    page = b'x\nrabbitmq_detailed_queue_consumers{queue="q",node="n",vhost="/"} 4\n'
    assert read_consumers(page).value == {("/", "q"): 4}


def test_what_is_no_count_loses_only_itself() -> None:
    page = (line("/", "good", 2) + line("/", "bad", 0).replace("} 0", "} NaN")).encode()
    payload = read_consumers(page)
    assert payload.value == {("/", "good"): 2}
    assert payload.flaws == ('consumers: vhost="/",queue="bad" NaN cannot be read',)


def test_a_page_that_escapes_nothing_is_read_as_it_is() -> None:
    page = (
        b'rabbitmq_detailed_queue_consumers{vhost="/",queue="quotes "and" \\backslashes\\"} 1\n'
        b'rabbitmq_detailed_queue_consumers{vhost="a\\nb",queue="plain"} 2\n'
    )
    assert read_consumers(page).value == {("/", 'quotes "and" \\backslashes\\'): 1, ("a\\nb", "plain"): 2}
