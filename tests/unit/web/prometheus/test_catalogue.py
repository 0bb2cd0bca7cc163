from __future__ import annotations

from typing import Any

import pytest
from tests.unit.web.prometheus.served import DEPTH as FAMILY
from tests.unit.web.prometheus.served import INTERVAL, NOW, Block, Client, a_window, an_api, served

DEPTH = "rabbitwatch_queue_messages"


def test_series(client: Client) -> None:
    params = [("match[]", f'{DEPTH}{{queue=~"q[01]"}}'), ("match[]", f"{DEPTH}"), ("match[]", '{queue="q1"}')]
    found = client.data("/series", params)
    assert found == [
        {"__name__": "ALERTS", "alertname": "QueueDeep", "alertstate": "firing", "queue": "q1"},
        *[{"__name__": DEPTH, "cluster": "lab", "queue": f"q{n}", "vhost": "/"} for n in range(3)],
    ]
    assert client.data("/series", data=params, method="POST") == found


def test_series_have_a_sample_in_the_time_that_is_asked_for(client: Client) -> None:
    params = [("match[]", DEPTH), ("start", str(NOW + 1)), ("end", str(NOW + 10))]
    assert client.data("/series", params) == []
    assert len(client.data("/series", [("match[]", DEPTH), ("start", str(NOW)), ("end", str(NOW))])) == 3
    assert client.data("/series", [("match[]", DEPTH), ("end", "100")]) == []


def test_series_up_to_a_limit(client: Client) -> None:
    body = client.ask("/series", {"match[]": DEPTH, "limit": "2"}).json()
    assert [row["queue"] for row in body["data"]] == ["q0", "q1"]
    assert body["warnings"] == ["results truncated due to limit"]
    assert "warnings" not in client.ask("/series", {"match[]": DEPTH, "limit": "3"}).json()


def test_label_names(client: Client) -> None:
    everything = ["__name__", "alertname", "alertstate", "cluster", "node", "queue", "version", "vhost"]
    assert client.data("/labels") == everything
    assert client.data("/labels", data={"match[]": DEPTH}, method="POST") == ["__name__", "cluster", "queue", "vhost"]
    assert client.data("/labels", {"match[]": "nothing"}) == []


def test_label_values(client: Client) -> None:
    names = ["ALERTS", "rabbitwatch_build_info", "rabbitwatch_node_up", DEPTH]
    assert client.data("/label/__name__/values") == names
    assert client.data("/label/queue/values") == ["q0", "q1", "q2"]
    assert client.data("/label/queue/values", {"match[]": '{alertname="QueueDeep"}'}) == ["q1"]
    assert client.data("/label/nope/values") == []
    assert client.data("/label/queue/values", {"limit": "1"}) == ["q0"]


def test_a_queue_that_is_gone_is_listed_as_long_as_its_history() -> None:
    window = a_window()
    window.ingest((NOW + INTERVAL) * 1000, [Block(FAMILY, [(("lab", "/", "q0"), 1.0)])], "lab")
    with served(an_api(window)) as asked:
        assert asked.data("/label/queue/values", {"match[]": DEPTH}) == ["q0", "q1", "q2"]
        late = {"match[]": DEPTH, "start": str(NOW + INTERVAL + 1)}
        assert asked.data("/label/queue/values", late) == []


def test_metadata(client: Client) -> None:
    depth = {DEPTH: [{"type": "gauge", "help": "Messages in the queue.", "unit": ""}]}
    assert client.data("/metadata", {"metric": DEPTH}) == depth
    assert len(client.data("/metadata")) == 3
    assert len(client.data("/metadata", {"limit": "2"})) == 2
    assert len(client.data("/metadata", {"limit": "-1"})) == 3
    assert client.data("/metadata", {"metric": "nope"}) == {}
    assert client.data("/targets/metadata") == []


@pytest.mark.parametrize(
    ("path", "params", "text"),
    [
        ("/series", {}, "no match[] parameter provided"),
        ("/series", {"match[]": "{}"}, 'invalid parameter "match[]": '),
        ("/series", {"match[]": '{a=~".*"}'}, 'invalid parameter "match[]": '),
        ("/series", {"match[]": "("}, 'invalid parameter "match[]": '),
        ("/series", {"match[]": "up[5m]"}, 'invalid parameter "match[]": "up[5m]" is not a series selector'),
        (
            "/series",
            {"match[]": "up offset 5m"},
            'invalid parameter "match[]": "up offset 5m" is not a series selector',
        ),
        ("/series", {"match[]": "up", "limit": "-1"}, 'invalid parameter "limit": limit must be non-negative'),
        ("/labels", {"start": "x"}, "invalid parameter \"start\": Invalid time value for 'start'"),
        ("/labels", {"start": "2", "end": "1"}, 'invalid parameter "end"'),
        ("/label/a-b/values", {}, 'invalid label name: "a-b"'),
        ("/metadata", {"limit": "x"}, "limit must be a number"),
    ],
)
def test_bad_requests(client: Client, path: str, params: dict[str, str], text: str) -> None:
    status, kind, got = client.error(path, params)
    assert (status, kind) == (400, "bad_data")
    assert got.startswith(text)


def test_build_information_makes_a_prometheus_of_it_for_grafana(client: Client) -> None:
    found = client.data("/status/buildinfo")
    assert found["application"] == "rabbitwatch"
    assert tuple(map(int, found["version"].split("."))) >= (2, 37, 0)
    assert "features" not in found
    assert client.ask("/status/flags").status_code == 404


def grafana_requests() -> list[tuple[str, str, dict[str, str]]]:
    """What Grafana's Prometheus data source sends, as docs/prometheus-api.md lists it."""
    span = {"start": str(NOW - 300), "end": str(NOW)}
    return [
        ("POST", "/query", {"query": "1+1", "time": "4"}),
        ("GET", "/status/buildinfo", {}),
        ("GET", "/metadata", {}),
        ("GET", "/rules", {}),
        ("POST", "/query_range", {"query": DEPTH, **span, "step": "15"}),
        ("POST", "/query", {"query": f"{DEPTH}", "time": str(NOW)}),
        ("POST", "/query_exemplars", {"query": DEPTH, **span}),
        ("POST", "/labels", {**span, "limit": "40000", "match[]": DEPTH}),
        ("GET", "/label/__name__/values", {**span, "limit": "40000"}),
        ("GET", "/label/queue/values", {**span, "match[]": f'{DEPTH}{{cluster="lab"}}'}),
        ("POST", "/series", {**span, "match[]": '{__name__=~".*queue.*"}', "limit": "40000"}),
        ("GET", "/alerts", {}),
    ]


@pytest.mark.parametrize(
    ("method", "path", "params"), grafana_requests(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_grafana_asks_is_answered(client: Client, method: str, path: str, params: dict[str, str]) -> None:
    sent: dict[str, Any] = {"data": params} if method == "POST" else {"params": params}
    found = client.data(path, method=method, **sent)
    assert found is not None
