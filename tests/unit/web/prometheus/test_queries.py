from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from tests.unit.web.prometheus.served import INTERVAL, NOW, Client, a_window, an_api, served

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.nodes import Parsed
from rabbitwatch.promql.storage import Storage
from rabbitwatch.promql.values import Result, Scalar
from rabbitwatch.web.prometheus import PrometheusApi
from rabbitwatch.web.prometheus.queries import QueryLimits
from rabbitwatch.web.prometheus.workers import Workers


def test_a_vector(client: Client) -> None:
    assert client.data("/query", {"query": 'rabbitwatch_queue_messages{queue="q2"}'}) == {
        "resultType": "vector",
        "result": [
            {
                "metric": {
                    "__name__": "rabbitwatch_queue_messages",
                    "cluster": "lab",
                    "queue": "q2",
                    "vhost": "/",
                },
                "value": [NOW, "192"],
            }
        ],
    }


@pytest.mark.parametrize(
    ("query", "kind", "value"),
    [
        ("1e100", "scalar", "1" + "0" * 100),
        ("1e-9", "scalar", "0.000000001"),
        ("-Inf", "scalar", "-Inf"),
        ('"a"', "string", "a"),
    ],
)
def test_scalars_and_strings(client: Client, query: str, kind: str, value: str) -> None:
    assert client.data("/query", {"query": query, "time": "1795197141.1"}) == {
        "resultType": kind,
        "result": [1795197141.1, value],
    }


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("vector(1e100)", "1e+100"),
        ("vector(1e21)", "1e+21"),
        ("vector(1e20)", "100000000000000000000"),
        ("vector(0.0000001)", "1e-07"),
        ("vector(0.000001)", "0.000001"),
        ("vector(-1.5e-9)", "-1.5e-09"),
        ("vector(NaN)", "NaN"),
        ("vector(Inf)", "+Inf"),
        ("-vector(Inf)", "-Inf"),
        ("vector(123456789)", "123456789"),
        ("vector(0.1)", "0.1"),
        ("vector(-0)", "-0"),
        ("vector(1.7976931348623157e308)", "1.7976931348623157e+308"),
        ("vector(123456789012345678901)", "123456789012345680000"),
        ("vector(12345678901234567890123)", "1.2345678901234568e+22"),
    ],
)
def test_numbers_are_spelt_as_prometheus_spells_them(client: Client, query: str, value: str) -> None:
    (row,) = client.data("/query", {"query": query, "time": "1"})["result"]
    assert row == {"metric": {}, "value": [1, value]}


def test_a_range_of_raw_samples(client: Client) -> None:
    found = client.data("/query", {"query": 'rabbitwatch_queue_messages{queue="q0"}[45s]'})
    assert found["resultType"] == "matrix"
    assert found["result"][0]["values"] == [[NOW - 2 * INTERVAL, "170"], [NOW - INTERVAL, "180"], [NOW, "190"]]


def test_a_range_query(client: Client) -> None:
    params = {
        "query": "sum by (vhost) (rabbitwatch_queue_messages)",
        "start": str(NOW - 30),
        "end": str(NOW),
        "step": "7.5",
    }
    found = client.data("/query_range", params)
    assert found["resultType"] == "matrix"
    (series,) = found["result"]
    assert series["metric"] == {"vhost": "/"}
    assert series["values"] == [
        [NOW - 30, "513"],
        [NOW - 22.5, "513"],
        [NOW - 15, "543"],
        [NOW - 7.5, "543"],
        [NOW, "573"],
    ]
    assert client.data("/query_range", data={**params, "step": "7s500ms"}, method="POST") == found


def test_the_form_goes_before_the_query_string(client: Client) -> None:
    assert client.data("/query", {"query": "1"}, data={"query": "2"}, method="POST")["result"][1] == "2"


def test_what_the_engine_notes_is_told(client: Client) -> None:
    body = client.ask("/query", {"query": "rate(rabbitwatch_queue_messages[1m])"}).json()
    (info,) = body["infos"]
    assert info.startswith("PromQL info: metric might not be a counter")
    assert "warnings" not in body


def test_a_limit_cuts_and_says_so(client: Client) -> None:
    body = client.ask("/query", {"query": "rabbitwatch_queue_messages", "limit": "2"}).json()
    assert len(body["data"]["result"]) == 2
    assert body["warnings"] == ["results truncated due to limit"]


@pytest.mark.parametrize(
    ("path", "params", "status", "kind", "text"),
    [
        ("/query", {}, 400, "bad_data", 'invalid parameter "query": '),
        ("/query", {"query": "("}, 400, "bad_data", 'invalid parameter "query": '),
        ("/query", {"query": "up", "time": "x"}, 400, "bad_data",
         "invalid parameter \"time\": Invalid time value for 'time': cannot parse \"x\" to a valid timestamp"),
        ("/query", {"query": "up", "time": "2015-07-01T20:10:51"}, 400, "bad_data", 'invalid parameter "time"'),
        ("/query", {"query": "up", "time": "NaN"}, 400, "bad_data", 'invalid parameter "time"'),
        ("/query", {"query": "up", "timeout": "x"}, 400, "bad_data",
         'invalid parameter "timeout": cannot parse "x" to a valid duration'),
        ("/query", {"query": "up", "timeout": "-1s"}, 400, "bad_data", 'invalid parameter "timeout"'),
        ("/query", {"query": "up", "limit": "x"}, 400, "bad_data", 'invalid parameter "limit"'),
        ("/query", {"query": "rabbitwatch_queue_messages + on() rabbitwatch_queue_messages"}, 422, "execution",
         "found duplicate series for the match group"),
        ("/query_range", {"query": "up"}, 400, "bad_data",
         'invalid parameter "start": cannot parse "" to a valid timestamp'),
        ("/query_range", {"query": "up", "start": "0", "end": "1", "step": "0"}, 400, "bad_data",
         'invalid parameter "step": zero or negative query resolution step widths are not accepted.'),
        ("/query_range", {"query": "up", "start": "0", "end": "1", "step": "x"}, 400, "bad_data",
         'invalid parameter "step": cannot parse "x" to a valid duration'),
        ("/query_range", {"query": "up", "start": "0", "end": "1", "step": "1e20"}, 400, "bad_data",
         'invalid parameter "step": cannot parse "1e20" to a valid duration. It overflows int64'),
        ("/query_range", {"query": "up", "start": "2", "end": "1", "step": "1"}, 400, "bad_data",
         'invalid parameter "end": end timestamp must not be before start time'),
        ("/query_range", {"query": "up", "start": "0", "end": "1000000", "step": "1"}, 400, "bad_data",
         "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"),
        ("/query_range", {"query": "up[5m]", "start": "0", "end": "1", "step": "1"}, 400, "bad_data",
         'invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar'),
        ("/format_query", {"query": "("}, 400, "bad_data", 'invalid parameter "query": '),
        ("/query_exemplars", {"query": "("}, 400, "bad_data", 'invalid parameter "query": '),
    ],
)  # fmt: skip
def test_bad_requests(client: Client, path: str, params: dict[str, str], status: int, kind: str, text: str) -> None:
    got_status, got_kind, got_text = client.error(path, params)
    assert (got_status, got_kind) == (status, kind)
    assert got_text.startswith(text)


@pytest.mark.parametrize(
    "query",
    ["(" * 100_000 + "1" + ")" * 100_000, "(" * 100_000, "-" * 100_000 + "1", "abs(" * 20_000, '"' + '\\"' * 30_000],
)
def test_a_monstrous_expression_is_refused_within_a_second_of_cpu(client: Client, query: str) -> None:
    began = time.process_time()
    status, kind, text = client.error("/query", data={"query": query}, method="POST")
    assert time.process_time() - began < 1
    assert (status, kind) == (400, "bad_data")
    assert len(text) < 500
    assert client.data("/query", {"query": "1"})["result"][1] == "1"


@pytest.mark.parametrize("name", ["time", "timeout"])
def test_a_monstrous_number_is_refused_within_a_second_of_cpu(client: Client, name: str) -> None:
    began = time.process_time()
    status, kind, _ = client.error("/query", data={"query": "1", name: "1" * 20_000 + "x"}, method="POST")
    assert time.process_time() - began < 1
    assert (status, kind) == (400, "bad_data")


def test_a_query_over_a_million_points_is_refused_within_a_second_of_cpu() -> None:
    with served(an_api(a_window(polls=240, queues=500))) as asked:
        for query in (
            "sum_over_time(rabbitwatch_queue_messages[1h:1ms])",
            "rabbitwatch_queue_messages[1000000d:1s]",
            "count_over_time((count_over_time(rabbitwatch_queue_messages[1h:1s])[1h:1s])[1h:1s])",
        ):
            began = time.process_time()
            assert asked.error("/query", {"query": query})[:2] in {(400, "bad_data"), (422, "execution")}
            assert time.process_time() - began < 1


def test_an_answer_that_is_too_long_is_refused() -> None:
    with served(an_api(a_window(queues=50), limits=QueryLimits(max_answer=100))) as asked:
        params = {"query": "rabbitwatch_queue_messages", "start": str(NOW - 30), "end": str(NOW), "step": "10"}
        status, kind, text = asked.error("/query_range", params)
        assert (status, kind) == (422, "execution")
        assert text == (
            "the answer has 200 samples and the limit is 100: aggregate, narrow the selector, or widen the step"
        )


def test_a_timeout_is_a_503(client: Client) -> None:
    params = {"query": "sum_over_time(rabbitwatch_queue_messages[5m:10ms])", "timeout": "1ms"}
    status, kind, text = client.error("/query", params)
    assert (status, kind) == (503, "timeout")
    assert "timed out" in text


def test_no_utf8_in_a_string(client: Client) -> None:
    assert client.data("/query", {"query": r'"a\xffb"'})["result"][1] in ("a?b", "a\ufffdb")


def test_strings_survive_formatting(client: Client) -> None:
    formatted = client.data("/format_query", {"query": 'up{a="x\\"y\\\\z"}+1'})
    assert formatted == 'up{a="x\\"y\\\\z"} + 1'


def test_there_are_no_exemplars(client: Client) -> None:
    assert client.data("/query_exemplars", {"query": "up", "start": "0", "end": "1"}) == []


def test_long_answers_are_compressed(client: Client) -> None:
    params = {"query": '{__name__=~"rabbitwatch.*"}[1h]'}
    packed = client.ask("/query", params)
    assert packed.headers["content-encoding"] == "gzip"
    plain = client.ask("/query", params, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == packed.json()
    assert "content-encoding" not in client.ask("/query", {"query": "1"}).headers


def test_methods(client: Client) -> None:
    assert client.ask("/query", method="PUT").status_code == 405
    assert client.ask("/rules", method="POST").status_code == 405
    assert client.ask("/nope").status_code == 404


class SlowEngine:
    """Waits until it is let go."""

    def __init__(self, go: threading.Event) -> None:
        self._go = go

    def instant(self, _: Parsed, __: int, ___: Storage) -> Result:
        self._go.wait(20)
        return Result(Scalar(1.0))

    def range(self, *_: Any) -> Result:
        raise QueryError("not asked")


def test_too_many_at_once_are_refused_and_the_others_answered() -> None:
    go = threading.Event()
    api = PrometheusApi(a_window(), lambda _: SlowEngine(go), workers=Workers(threads=1, queue=2))
    with served(api) as asked:
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda: answers.append(Client(asked.url).ask("/query", {"query": "1"}).status_code))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 10
        while len(answers) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert answers == [503] * 3
        go.set()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200] * 3 + [503] * 3
        assert asked.data("/query", {"query": "1"})["result"][1] == "1"


def test_who_waits_too_long_is_told() -> None:
    go = threading.Event()
    api = PrometheusApi(a_window(), lambda _: SlowEngine(go), workers=Workers(threads=1, queue=2, patience_s=0.2))
    with served(api) as asked:
        first = threading.Thread(target=lambda: Client(asked.url).ask("/query", {"query": "1"}))
        first.start()
        time.sleep(0.1)
        assert asked.error("/query", {"query": "1"})[:2] == (503, "timeout")
        go.set()
        first.join()
        assert asked.data("/query", {"query": "1"})["result"][1] == "1"
