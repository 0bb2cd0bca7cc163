"""A Lease of Kubernetes against an API server that keeps versions as the real one does."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.fakekubernetes import NAMESPACE, FakeKubernetes
from tests.support.servers import free_port

from rabbitwatch.actions.lease.kubernetes import KubernetesGrip, object_name
from rabbitwatch.config.actions import LeaseConfig

ROOT = Path(__file__).resolve().parents[4]
TOKEN = "s3cret-token-of-the-pod"
NAME = "rabbitwatch.actions.orders"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """An API server, the folder of a pod's service account, and agents."""

    def __init__(self, server: FakeKubernetes, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.clock = Clock()
        (folder / "token").write_text(f"{server.token}\n")
        (folder / "namespace").write_text(NAMESPACE)

    def agent(self, who: str, **given: Any) -> KubernetesGrip:
        settings = {"kind": "kubernetes", "server": self.server.url, "service_account": self.folder, **given}
        return KubernetesGrip(LeaseConfig.model_validate(settings), NAME, f"agent {who}", self.clock)

    @property
    def spec(self) -> dict[str, Any]:
        return dict(self.server.leases[NAME]["spec"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with FakeKubernetes(TOKEN) as server:
        yield World(server, tmp_path)


def test_the_first_one_makes_it_and_the_second_is_told_who_holds_it(world: World) -> None:
    one, two = world.agent("one"), world.agent("two")
    assert one.take().why == ""
    assert world.spec["holderIdentity"].startswith("agent one ")
    assert (world.spec["leaseDurationSeconds"], world.spec["leaseTransitions"]) == (30, 0)
    refused = two.take()
    assert refused.elsewhere
    assert f"Lease {NAME} is held by agent one" in refused.why


def test_a_confirmation_renews_it_and_keeps_when_it_was_got(world: World) -> None:
    one = world.agent("one")
    one.take()
    before = world.spec
    assert one.confirm().why == ""
    assert world.spec["renewTime"] > before["renewTime"]
    assert world.spec["acquireTime"] == before["acquireTime"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", before["renewTime"])


def test_one_that_is_renewed_is_never_taken_whatever_its_times_say(world: World) -> None:
    one, two = world.agent("one"), world.agent("two")
    one.take()
    for _ in range(10):
        world.clock.now += 20
        assert one.confirm().why == ""
        world.server.leases[NAME]["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z"
        assert two.take().elsewhere


def test_one_that_is_not_renewed_for_its_duration_by_the_own_clock_is_taken(world: World) -> None:
    one, two = world.agent("one"), world.agent("two")
    one.take()
    assert two.take().elsewhere
    world.clock.now += 30.0
    assert two.take().elsewhere
    world.clock.now += 0.1
    assert two.take().why == ""
    assert world.spec["leaseTransitions"] == 1
    lost = one.confirm()
    assert lost.why
    assert "agent two" in one.take().why


def test_a_longer_duration_of_the_holder_is_respected(world: World) -> None:
    two = world.agent("two", duration="15s")
    world.server.touch(NAME, holderIdentity="somebody", leaseDurationSeconds=60)
    two.take()
    world.clock.now += 59
    assert two.take().elsewhere
    world.clock.now += 2
    assert two.take().why == ""


def test_of_two_who_take_it_at_once_one_has_lost(world: World) -> None:
    """Both see it free; the second one writes with the version that it has read."""
    world.server.touch(NAME, holderIdentity="")
    one, two = world.agent("one"), world.agent("two")
    read = dict(world.server.leases[NAME])
    assert one.take().why == ""
    assert two._write("PUT", read, transitions=1).why
    assert world.spec["holderIdentity"].startswith("agent one ")
    assert two.confirm().why


def test_somebody_elses_write_loses_it(world: World) -> None:
    one = world.agent("one")
    one.take()
    world.server.touch(NAME, holderIdentity="somebody", leaseDurationSeconds=15)
    assert one.confirm().why
    assert "held by somebody" in one.take().why


def test_a_lease_that_is_deleted_is_lost_and_made_anew(world: World) -> None:
    one = world.agent("one")
    one.take()
    world.server.leases.clear()
    assert one.confirm().why
    assert one.take().why == ""


def test_letting_go_frees_it_at_once(world: World) -> None:
    one, two = world.agent("one"), world.agent("two")
    one.take()
    one.release()
    assert two.take().why == ""
    one.release()  # it is not one's any more
    assert two.confirm().why == ""


def test_an_agent_started_anew_does_not_take_its_predecessor_for_itself(world: World) -> None:
    world.agent("one").take()
    assert world.agent("one").take().elsewhere


def test_an_answer_that_comes_after_the_duration_is_no_lease(world: World) -> None:
    one = world.agent("one")
    original = world.server.answer

    def late(method: str, path: str, authorization: str, body: Any) -> tuple[int, Any]:
        if method != "GET":
            world.clock.now += 31
        return original(method, path, authorization, body)

    world.server.answer = late  # type: ignore[method-assign]
    assert "after it had run out" in one.take().why
    assert one.confirm().why


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "does not know the agent's token"),
        (403, "needs get, create and update on leases"),
        (500, "answered with status 500"),
    ],
)
def test_a_refusal_says_what_helps(world: World, status: int, why: str) -> None:
    one = world.agent("one")
    one.take()
    world.server.refuse = status
    for refused in (one.confirm(), one.take()):
        assert why in refused.why
        assert not refused.elsewhere
        assert TOKEN not in refused.why


def test_a_namespace_that_is_not_there_is_no_rival(world: World) -> None:
    refused = world.agent("one", namespace="elsewhere").take()
    assert "status 404" in refused.why
    assert not refused.elsewhere


def test_the_token_is_read_anew(world: World) -> None:
    one = world.agent("one")
    one.take()
    world.server.token = "another-token"
    assert "token" in one.confirm().why
    (world.folder / "token").write_text("another-token")
    assert one.take().why == ""


def test_outside_of_a_pod_it_says_so(tmp_path: Path) -> None:
    lease = LeaseConfig(kind="kubernetes", service_account=tmp_path / "none")
    assert "does the agent run in a pod?" in KubernetesGrip(lease, NAME, "agent one").take().why


def test_a_server_that_is_gone_is_no_lease(world: World) -> None:
    one = world.agent("one", server=f"http://127.0.0.1:{free_port()}")
    refused = one.take()
    assert "refuses the connection" in refused.why
    assert not refused.elsewhere
    one.release()


def test_tls_by_the_service_accounts_certificate(tmp_path: Path) -> None:
    certificate, key = tmp_path / "ca.crt", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -nodes -subj /CN=localhost"
    files = ["-addext", "subjectAltName=DNS:localhost", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*shlex.split(command), *files], check=True, capture_output=True)
    with FakeKubernetes(TOKEN, tls=(certificate, key)) as server:
        world = World(server, tmp_path)
        assert world.agent("one").take().why == ""
        certificate.write_text(_other(tmp_path))
        assert "TLS failed" in world.agent("two").take().why


def _other(folder: Path) -> str:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -nodes -subj /CN=other"
    files = ["-out", str(folder / "other.pem"), "-keyout", str(folder / "other-key.pem")]
    subprocess.run([*shlex.split(command), *files], check=True, capture_output=True)
    return (folder / "other.pem").read_text()


@pytest.mark.parametrize("text", ["rabbitwatch.actions.orders", "a", "a-1.b"])
def test_a_name_that_is_allowed_stays(text: str) -> None:
    assert object_name(text) == text


def test_other_names_are_made_fit_and_stay_apart() -> None:
    made = [object_name(f"rabbitwatch.actions.{name}") for name in ("rabbit@Host", "rabbit@host", "_", "é", "x" * 300)]
    assert len(set(made)) == len(made)
    for name in made:
        assert len(name) <= 253
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name), name


def test_the_shipped_role_allows_what_an_agent_calls_and_no_more(world: World) -> None:
    one = world.agent("one")
    one.take()
    one.confirm()
    one.release()
    verbs = {"GET": "get", "POST": "create", "PUT": "update"}
    account, role, binding = yaml.safe_load_all((ROOT / "deploy/kubernetes/lease-rbac.yaml").read_text())
    (rule,) = role["rules"]
    assert (rule["apiGroups"], rule["resources"]) == (["coordination.k8s.io"], ["leases"])
    assert set(rule["verbs"]) == {verbs[method] for method, _ in world.server.calls}
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [each["name"] for each in binding["subjects"]] == [account["metadata"]["name"]]
