from __future__ import annotations

from starlette.applications import Starlette
from tests.unit.web.serving import ask, serving

from rabbitwatch.notify.outward import generator_url
from rabbitwatch.web import graph


def test_a_link_of_an_alert_leads_to_the_present_result() -> None:
    link = generator_url("", 'up{a="b c"} == 0 and on (x) y > 1 # 100%')
    with serving(Starlette(routes=graph.routes())) as server:
        answer, nothing = ask(server, link), ask(server, "/graph")
    assert answer.status == 302
    assert answer.headers["location"].startswith("api/v1/query?query=up%7Ba%3D%22b+c%22%7D+%3D%3D+0+and+")
    assert nothing.headers["location"] == "."
