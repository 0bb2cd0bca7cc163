"""The network of a netns lab: one namespace per host, all plugged into a switch.

The bridge lives in a namespace of its own rather than on the machine, so that the machine's firewall (Docker's, for
one) has no say in what the nodes tell each other; the machine itself, where the observer is, is plugged in by one
veth named like the lab, with address .1. Everything is named after the lab's id, and deleting the namespaces deletes
the links, so `remove` needs no list of what was made.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from rabbitlab.errors import LabError
from rabbitlab.run import quietly, run
from rabbitlab.state import Lab, Store

_NETNS = Path("/run/netns")
_CANDIDATES = [f"10.{second}.{third}" for second in range(200, 250) for third in range(256)]
OBSERVER_HOST, PROXY_HOST, FIRST_NODE = 1, 5, 11
"""Last parts of the addresses."""


def check_possible() -> None:
    """Raises LabError unless this process may make network namespaces and has the tools for it."""
    if os.geteuid() != 0:
        raise LabError("--isolation netns needs root for network namespaces: run as root, or use --isolation loopback")
    for tool in ("ip", "nsenter", "unshare", "iptables"):
        run([tool, "-V" if tool == "ip" else "--version"])


@contextlib.contextmanager
def machine_lock(seconds: float = 60.0) -> Iterator[None]:
    """Labs choose addresses and ports one after the other. An abstract socket: no file, and it ends with its owner."""
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX) as lock:
        while True:
            try:
                lock.bind("\0rabbitlab-choosing")
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise LabError("another lab has been choosing its addresses for a minute: end it") from None
                time.sleep(0.1)
        yield


def free_subnet() -> str:
    """The first three parts of a /24 that no address or route of this machine touches."""
    taken = []
    for route in json.loads(run(["ip", "-4", "-j", "route", "show", "table", "all"])):
        with contextlib.suppress(ValueError):  # "default" is no network
            taken.append(ipaddress.ip_network(route["dst"], strict=False))
    for candidate in random.sample(_CANDIDATES, len(_CANDIDATES)):
        network = ipaddress.ip_network(f"{candidate}.0/24")
        if not any(network.overlaps(other) for other in taken):
            return candidate
    raise LabError("no free /24 between 10.200.0.0 and 10.249.255.0 on this machine")


def namespace(lab: Lab, host: str) -> str:
    """The name of a host's network namespace."""
    return f"{lab.id}-{host}"


def build_switch(lab: Lab) -> None:
    """The switch, and the machine plugged into it. Call with machine_lock held: this is what takes the subnet."""
    switch = namespace(lab, "switch")
    run(["ip", "netns", "add", switch])
    run(["ip", "link", "add", lab.id, "type", "veth", "peer", "name", "machine", "netns", switch])
    run(["ip", "address", "add", f"{lab.subnet}.{OBSERVER_HOST}/24", "dev", lab.id])
    _batch(
        switch,
        "link set lo up",
        "link add bridge type bridge stp_state 0 forward_delay 0",
        "link set bridge up",
        "link set machine master bridge",
        "link set machine up",
    )
    run(["ip", "link", "set", lab.id, "up"])


def plug_in(lab: Lab, host: str, address: str) -> None:
    """A new host on the switch."""
    switch, own = namespace(lab, "switch"), namespace(lab, host)
    run(["ip", "netns", "add", own])
    _batch(switch, f"link add {host} type veth peer name eth0 netns {own}", f"link set {host} master bridge up")
    _batch(
        own,
        "link set lo up",
        f"address add {address}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {lab.subnet}.{OBSERVER_HOST}",
    )


def _batch(own: str, *lines: str) -> None:
    run(["ip", "-netns", own, "-batch", "-"], feed="\n".join(lines) + "\n")


def write_hosts(store: Store, lab: Lab) -> None:
    """The hosts files: of the nodes (nobody but themselves), and of the observer (the machine's own, and the nodes)."""
    lines = [f"{node.address} {node.name}" for node in lab.nodes]
    if lab.order.nginx:
        lines.append(f"{lab.subnet}.{PROXY_HOST} proxy")
    names = "".join(f"{line}\n" for line in lines)
    (store.folder / "hosts").write_text(f"127.0.0.1 localhost\n{names}", encoding="utf-8")
    machine = Path("/etc/hosts").read_text(encoding="utf-8")
    (store.folder / "hosts.observer").write_text(f"{machine.rstrip()}\n{names}", encoding="utf-8")


def namespaces(lab: Lab) -> list[str]:
    """The lab's network namespaces that exist, recorded or not."""
    if not _NETNS.is_dir():
        return []
    return sorted(entry.name for entry in _NETNS.iterdir() if entry.name.startswith(f"{lab.id}-"))


def remove(lab: Lab) -> None:
    """Delete the lab's namespaces and with them its links and rules. Nothing to delete is fine."""
    for name in namespaces(lab):
        quietly(["ip", "netns", "delete", name])
    if (Path("/sys/class/net") / lab.id).exists():
        quietly(["ip", "link", "delete", lab.id])
