"""The hand that writes to one cluster, as the acting user and nobody else.

There is no hand without credentials: making one takes a login, and the only login there is to give comes from
`acting_login`. The polling user's is never used here, nor this one for polling.

A request is sent once, to one node. Whether another node would have taken it is not tried: a reply that is lost may
belong to a request that was done, and what became of it is seen by looking (follow.py), not by asking twice.

Measured on 3.10.8: a policy that is taken is 201 when new and 204 otherwise; `sync` is 204 at once whatever there is to
do. All refusals of the user are 401, told apart by their words only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import quote

import requests

from rabbitwatch.clients.http import Endpoint, Login, Sent
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.errors import CallError, UnsentError
from rabbitwatch.model.action import Look, Reply

_POLICYMAKER = "the tag policymaker and a permission in the vhost"
_ADMINISTRATOR = "the tag administrator"
_OF_A_PROXY = frozenset({requests.codes.bad_gateway, requests.codes.unavailable, requests.codes.gateway_timeout})
"""No answer of the broker, which may have taken the request all the same."""

SYNC_BODY: Mapping[str, Any] = MappingProxyType({"action": "sync"})


def acting_login(actions: ActionsConfig) -> Login | None:
    """Whom to act as; None when nobody may."""
    if actions.username is None or actions.password is None:
        return None
    return Login(actions.username, actions.password.get_secret_value())


def policy_path(vhost: str, name: str, *, operator: bool) -> str:
    """Of one policy, below the API's root. Any name is one segment, whatever characters it has."""
    return f"{'operator-policies' if operator else 'policies'}/{segment(vhost)}/{segment(name)}"


def queue_actions_path(vhost: str, name: str) -> str:
    """Where a queue is told what to do, likewise."""
    return f"queues/{segment(vhost)}/{segment(name)}/actions"


def segment(name: str) -> str:
    """A name as one segment of a path; ValueError for the two that no client sends, because they mean folders."""
    if name in {".", ".."}:
        raise ValueError(f"the name {name!r} cannot stand in an address: use rabbitmqctl")
    return quote(name, safe="")


class BrokerHand:
    """Writes to the cluster that was just looked at. See ports.Hand.

    cluster: for addresses' TLS. login: of the acting user. within: seconds for one request. look: decides which node is
    asked: one that answered in it, of the largest component, a queue's own leader first.
    """

    def __init__(self, cluster: ClusterConfig, login: Login, *, within: float, look: Look) -> None:
        self._cluster = cluster
        self._login = login
        self._within = within
        self._look = look

    def put_policy(self, vhost: str, name: str, body: Mapping[str, Any], *, operator: bool) -> Reply:
        """See ports.Hand."""
        return self._send("PUT", lambda: policy_path(vhost, name, operator=operator), body, "", operator)

    def sync_queue(self, vhost: str, name: str) -> Reply:
        """See ports.Hand."""
        queue = self._look.queues.get((vhost, name))
        leader = queue.node or "" if queue is not None else ""
        return self._send("POST", lambda: queue_actions_path(vhost, name), SYNC_BODY, leader, True)

    def _send(
        self,
        method: Literal["PUT", "POST"],
        make_path: Callable[[], str],
        body: Mapping[str, Any],
        near: str,
        administrator: bool,
    ) -> Reply:
        try:
            path = make_path()
        except ValueError as error:
            return Reply(status=None, unsent=True, reason=f"nothing was sent: {error}")
        url = next(addresses(self._look, near), None)
        if url is None:
            return Reply(status=None, unsent=True, reason="no node of the largest component answers: nothing was sent")
        endpoint = Endpoint(url, tls=self._cluster.tls, login=self._login, hint="has the node just stopped?")
        try:
            sent = endpoint.send(method, f"/api/{path}", body, within=self._within)
        except UnsentError as error:
            return Reply(status=None, unsent=True, reason=f"nothing was sent: {error.reason}")
        except CallError as error:
            return Reply(status=None, reason=f"whether the broker took it is not known: {error.reason}")
        if sent.status in _OF_A_PROXY:
            reason = f"whether the broker took it is not known: {url} answered with status {sent.status}"
            return Reply(status=None, reason=reason)
        return Reply(status=sent.status, reason=self._reason(url, sent, administrator))

    def _reason(self, url: str, sent: Sent, administrator: bool) -> str:
        """Why a request was not taken, and what helps; "" when it was."""
        if 200 <= sent.status < 300:
            return ""
        said = f"{url} answered with status {sent.status}" + (f" ({sent.words})" if sent.words else "")
        user = f"actions.username {self._login.username!r}"
        if sent.status in (requests.codes.unauthorized, requests.codes.forbidden):
            if "login failed" in sent.words.lower():
                return f"{said}: check the password of {user}"
            return f"{said}: {user} needs {_ADMINISTRATOR if administrator else _POLICYMAKER}"
        if sent.status == requests.codes.not_found:
            return f"{said}: it is gone, or this address is not the broker's"
        return said


def addresses(look: Look, near: str = "") -> Iterator[str]:
    """Of the nodes that answered and belong to the largest component, that of `near` first, then by name."""
    largest = look.state.components[0] if look.state.components else frozenset[str]()
    nodes = [node for node in look.state.nodes if node.name in largest and node.answered and node.url]
    yield from (node.url for node in sorted(nodes, key=lambda n: n.name != near) if node.url)
