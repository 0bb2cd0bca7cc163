"""An exclusive queue on the cluster itself: it belongs to one connection, and is gone with it.

Why it is one hand: a queue's name exists once in a cluster, and the broker refuses an exclusive one to every other
connection (405 RESOURCE_LOCKED). When the agent dies its kernel closes the connection; when it stops or is cut off, the
broker closes it after some heartbeats without a word; when the node dies, the queue dies with it. Each time the others
can declare it. Whether it is still held is asked on the connection that owns it, by a passive declaration. Measured on
3.10.8, until another agent held it: 2 s after kill -9, 1 s after the death of the node, 31 s after SIGSTOP.

What it cannot do: in a partition each side forgets the other's queues and lets the name be declared once more, so that
there may be two holders, until the sides are one again (measured: 14 s after the cut, with a net_ticktime of 10 s). The
guards stop both, because neither sees one component with every declared node running in every view; that is why a
lease alone never lets anybody act.

The acting user (actions.username) needs the permission to configure this queue in lease.vhost, and nothing else there.
The queue is neither durable nor mirrored, nobody publishes to it, and so memory and disk alarms do not touch it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from rabbitwatch.actions.lease.amqp import AmqpAddress, Trouble, explain, parameters
from rabbitwatch.actions.lease.keeper import Standing
from rabbitwatch.actions.lease.occupant import ARGUMENT, Occupancy, Occupant
from rabbitwatch.clients.http import Endpoint, Login
from rabbitwatch.config.actions import ActionsConfig, LeaseConfig
from rabbitwatch.config.models import ClusterConfig

_EVERY = 5.0
_LOOKS = 15
"""Looks by the API between two tries over AMQP, for when the API tells nothing, or something else than AMQP."""


def broker_grip(cluster: ClusterConfig, actions: ActionsConfig, _storage: object, holder: str) -> BrokerGrip:
    """For lease.kind `broker`; see lease/table.py. The acting user's password has been read into `actions`."""
    lease = actions.lease
    login = Login(actions.username or "", actions.password.get_secret_value() if actions.password else "")
    nodes = [Endpoint(node.url, tls=cluster.tls, login=login) for node in cluster.nodes]
    occupant = Occupant(nodes, lease.vhost, lease.name)
    return BrokerGrip(lease, addresses(cluster, lease), login, occupant, holder, cluster.label)


def addresses(cluster: ClusterConfig, lease: LeaseConfig) -> tuple[AmqpAddress, ...]:
    """Where AMQP is, each once, in the order of the nodes and lease.urls."""
    hosts = [urlsplit(node.url).hostname or "" for node in cluster.nodes]
    found = [AmqpAddress.read(url, host) for host in hosts for url in lease.urls]
    return tuple(dict.fromkeys(found))


class BrokerGrip:
    """A keeper.Grip on one queue. addresses: tried in turn, the next one after a loss. holder: shown to others."""

    every = _EVERY

    def __init__(
        self,
        lease: LeaseConfig,
        addresses: Sequence[AmqpAddress],
        login: Login,
        occupant: Occupant,
        holder: str,
        cluster: str,
    ) -> None:
        self._lease = lease
        self._addresses = list(addresses)
        self._login = login
        self._occupant = occupant
        self._holder = holder
        self._cluster = cluster
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._looks_left = 0
        self._loss: Exception | None = None
        self._woken = threading.Event()

    @property
    def name(self) -> str:
        return f"queue {self._lease.name} in vhost {self._lease.vhost} of cluster {self._cluster}"

    def take(self) -> Standing:
        self.release()
        if self._looks_left > 0:
            self._looks_left -= 1
            seen = self._occupant.ask()
            if not seen.free:
                return self._elsewhere(seen)
        troubles: list[Trouble] = []
        for address in list(self._addresses):
            trouble = self._declare(address)
            if trouble is None:
                self._looks_left = 0
                return Standing()
            self.release()
            if trouble.locked:
                self._looks_left = _LOOKS
                return self._elsewhere(self._occupant.ask())
            troubles.append(trouble)
            if trouble.everywhere:
                break
            self._addresses.append(self._addresses.pop(0))
        return Standing(f"{self.name}: {'; '.join(trouble.why for trouble in troubles)}")

    def confirm(self) -> Standing:
        if self._channel is None:
            return Standing(f"{self.name}: there is no connection")
        try:
            self._channel.queue_declare(self._lease.name, passive=True)
        except (AMQPError, OSError) as error:
            trouble = explain(self._loss or error, self._addresses[0], self._login, self._lease)
            self._addresses.append(self._addresses.pop(0))
            self.release()
            return Standing(f"{self.name} is lost: {trouble.why}")
        return Standing()

    def rest(self, seconds: float) -> None:
        if self._connection is None:
            self._woken.wait(seconds)
        elif not self._woken.is_set():
            try:
                self._connection.process_data_events(time_limit=seconds)
            except (AMQPError, OSError) as error:
                self._loss = error  # the next confirmation comes at once, and says so
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(AMQPError, OSError):
                connection.add_callback_threadsafe(_nothing)

    def release(self) -> None:
        connection, self._connection, self._channel, self._loss = self._connection, None, None, None
        if connection is not None:
            with contextlib.suppress(AMQPError, OSError):
                connection.close()

    def _declare(self, address: AmqpAddress) -> Trouble | None:
        try:
            self._connection = pika.BlockingConnection(parameters(address, self._login, self._lease, self._holder))
            self._channel = self._connection.channel()
            self._channel.queue_declare(
                self._lease.name,
                exclusive=True,
                arguments={ARGUMENT: self._holder, "x-queue-type": "classic"},
            )
        except (AMQPError, AMQPConnectorException, OSError) as error:
            return explain(error, address, self._login, self._lease)
        return None

    def _elsewhere(self, seen: Occupancy) -> Standing:
        who = seen.holder or "another connection, perhaps another agent's"
        return Standing(f"{self.name} is held by {who}", elsewhere=True)


def _nothing() -> None:
    """Ends a rest by having been called."""
