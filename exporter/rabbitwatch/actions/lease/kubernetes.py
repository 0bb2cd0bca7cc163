"""A Lease object of Kubernetes (coordination.k8s.io/v1), held as client-go's leader election holds it.

The holder renews it; whoever stands by watches whether it changes, and takes it when it has not changed for its whole
duration by the watcher's own clock: times that others have written are shown and never compared. Every write
carries the resourceVersion that was read, so that of two who write at once one gets 409 and has lost. Whether it is
still held is asked by renewing it, which at the same time keeps everybody else away for another duration. Source:
https://kubernetes.io/docs/concepts/architecture/leases/ and the fields of LeaseSpec in the API's reference.

Why three REST calls and not the package `kubernetes`: version 37 is 126 MB in 1,900 modules and brings aiohttp along.

The agent's service account needs get, create and update on leases: deploy/kubernetes/lease-rbac.yaml.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from rabbitwatch.actions.lease.keeper import Standing
from rabbitwatch.clients.failures import explain
from rabbitwatch.clients.http import session
from rabbitwatch.clients.wording import readable
from rabbitwatch.config.actions import ActionsConfig, LeaseConfig
from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.config.trust import TlsConfig

_API = "/apis/coordination.k8s.io/v1/namespaces"
_CALL_SECONDS = 2.5
_NAME_LIMIT = 253
_REASONS = {
    401: "does not know the agent's token: is the service account's folder mounted, and its token current?",
    403: "does not allow it: the service account needs get, create and update on leases (lease-rbac.yaml)",
}


_OVERTAKEN = {"GET": {404}, "POST": {409}, "PUT": {404, 409}}
"""Statuses by which the server says that the Lease is not what it was."""


class _CallFailedError(Exception):
    """The API server gave no answer, or an error; the text says which."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A version of the Lease, and when it was first seen by the own monotonic clock."""

    version: str
    at: float


def kubernetes_grip(cluster: ClusterConfig, actions: ActionsConfig, _storage: Path, holder: str) -> KubernetesGrip:
    """For lease.kind `kubernetes`; see lease/table.py."""
    return KubernetesGrip(actions.lease, object_name(f"{actions.lease.name}.{cluster.label}"), holder)


def object_name(text: str) -> str:
    """`text` as Kubernetes allows a name (RFC 1123 subdomain); different texts get different names."""
    name = re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.")
    name = re.sub(r"[-.]*\.[-.]*", ".", name)
    if name == text and len(name) <= _NAME_LIMIT:
        return name
    return f"{name[:200].rstrip('-.')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


class KubernetesGrip:
    """A keeper.Grip on one Lease. holder: for people; a number of this object's own is added, so that an agent that is
    started anew under the same name does not take its predecessor for itself."""

    def __init__(self, lease: LeaseConfig, name: str, holder: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease = lease
        self._object = name
        self._identity = f"{holder} {uuid.uuid4().hex[:12]}"
        self._clock = clock
        self._folder = lease.service_account
        self._server = lease.server or _pods_server()
        self._session = session(None, _trust(lease))
        self._held: dict[str, Any] | None = None
        self._seen: _Seen | None = None
        self._woken = threading.Event()

    @property
    def name(self) -> str:
        return f"Lease {self._object}"

    @property
    def every(self) -> float:
        return min(5.0, self._lease.duration / 5)

    def take(self) -> Standing:
        self._held = None
        try:
            found = self._call("GET", self._object)
            if found is None:
                return self._write("POST", {"metadata": {"name": self._object}}, transitions=0)
            spec = found.get("spec") or {}
            holder = str(spec.get("holderIdentity") or "")
            if holder not in {"", self._identity} and not self._expired(found, spec):
                return Standing(f"{self.name} is held by {readable(holder)}", elsewhere=True)
            transitions = int(spec.get("leaseTransitions") or 0) + (holder != self._identity)
            return self._write("PUT", found, transitions=transitions)
        except _CallFailedError as error:
            return Standing(f"{self.name}: {error}")

    def confirm(self) -> Standing:
        held = self._held
        if held is None:
            return Standing(f"{self.name} is not held")
        try:
            return self._write("PUT", held, transitions=held["spec"]["leaseTransitions"])
        except _CallFailedError as error:
            self._held = None
            return Standing(f"{self.name} is lost: {error}")

    def rest(self, seconds: float) -> None:
        self._woken.wait(seconds)
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            spec = {**held["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
            try:
                self._call("PUT", self._object, {**held, "spec": spec})
            except _CallFailedError:
                return  # it runs out by itself

    def _expired(self, found: dict[str, Any], spec: dict[str, Any]) -> bool:
        version = str((found.get("metadata") or {}).get("resourceVersion"))
        if self._seen is None or self._seen.version != version:
            self._seen = _Seen(version, self._clock())
        told = spec.get("leaseDurationSeconds")
        duration = max(float(told) if isinstance(told, int) else 0.0, self._lease.duration)
        return self._clock() - self._seen.at > duration

    def _write(self, method: str, found: dict[str, Any], *, transitions: int) -> Standing:
        began = self._clock()
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        before = self._held["spec"] if self._held else {}
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": round(self._lease.duration),
            "acquireTime": before.get("acquireTime", now),
            "renewTime": now,
            "leaseTransitions": transitions,
        }
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": found["metadata"], "spec": spec}
        self._held = None
        written = self._call(method, self._object if method == "PUT" else "", body)
        if written is None or (written.get("spec") or {}).get("holderIdentity") != self._identity:
            return Standing(f"{self.name}: another agent was faster", elsewhere=True)
        if self._clock() - began > self._lease.duration:
            return Standing(f"{self.name}: the answer came after it had run out")
        self._held = {**body, "metadata": written["metadata"]}
        return Standing()

    def _call(self, method: str, name: str, body: Any = None) -> dict[str, Any] | None:
        """What the server answers; None where there is no such object, or it has changed since it was read."""
        try:
            token = self._read("token")
            path = f"{_API}/{self._lease.namespace or self._read('namespace')}/leases{'/' if name else ''}{name}"
            answer = self._session.request(
                method,
                self._server + path,
                json=body,
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
                timeout=_CALL_SECONDS,
                allow_redirects=False,
            )
            if answer.status_code in _OVERTAKEN[method]:
                return None
            if answer.ok:
                told = answer.json()
                if isinstance(told, dict) and isinstance(told.get("metadata"), dict):
                    return told
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            why = explain(error, self._server, _CALL_SECONDS, "is this the API server?").reason
            raise _CallFailedError(why) from None
        why = _REASONS.get(answer.status_code, f"answered with status {answer.status_code} and no Lease")
        raise _CallFailedError(f"{self._server} {why}")

    def _read(self, what: str) -> str:
        """From the service account's folder; anew each time, because the token is replaced about every hour."""
        path = self._folder / what
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise _CallFailedError(f"{path} cannot be read ({error.strerror}): does the agent run in a pod?") from None


def _pods_server() -> str:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT_HTTPS", "443")
    return f"https://{f'[{host}]' if ':' in host else host or 'kubernetes.default.svc'}:{port}"


def _trust(lease: LeaseConfig) -> TlsConfig:
    """lease.tls, with the service account's ca.crt where it names no other."""
    shipped = lease.service_account / "ca.crt"
    return lease.tls if lease.tls.ca_file else lease.tls.model_copy(update={"ca_file": shipped})
