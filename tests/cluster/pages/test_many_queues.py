"""A broker with thousands of queues, on pages."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from tests.cluster.api import Api
from tests.cluster.conftest import LabFactory
from tests.cluster.pages.common import both, shows
from tests.cluster.pages.conftest import watching
from tests.support.pictures import Camera
from tests.support.waiting import NOTICED

pytestmark = [pytest.mark.cluster, pytest.mark.browser, pytest.mark.timeout(600)]

MANY = 5000
WIRE_BYTES = 300_000


def test_five_thousand_queues(lab_factory: LabFactory, camera: Camera, tmp_path: Path) -> None:
    lab = lab_factory("--nodes", "1")
    api = Api(lab.url("rabbit1"), "admin", lab.admin_password)
    names = [f"tenant-{number:04}.events" for number in range(MANY)]
    queues = [{"name": name, "durable": True, "auto_delete": False, "arguments": {}} for name in names]
    api.call("POST", "definitions", "/", body={"queues": queues})
    api.queue("tenant-4321.letters", messages=3)
    with watching(lab, tmp_path, poll={"interval": "6s", "timeout": "5s"}) as agent:
        whole = f"{MANY + 1} queues with 3 messages"
        status = camera.open(f"{agent.url}/")
        shows(status, whole)
        shows(status, "tenant-4321.letters")
        shows(status, "queues.limit")
        status.page.fill("#q", "tenant-432")
        status.until("() => document.querySelector('#found')", NOTICED, "something is found")
        found = status.page.inner_text("#found")
        assert all(f"tenant-432{digit}.events" in found for digit in range(10)), "those without series of their own too"
        answer = requests.get(f"{agent.url}/", stream=True, timeout=30)
        assert len(answer.raw.read(decode_content=False)) < WIRE_BYTES
        camera.shoot(both(agent, "queues"), lambda look: shows(look, whole))
        assert status.faults == []
