"""Places: how a command is run where a node lives.

In netns isolation every node is a host of its own: a network namespace, a host name, a hosts file, and for versions
that the machine itself does not carry a root folder. Each command enters them anew, with a mount and a UTS namespace
of its own that end with it: nothing is mounted and nobody is renamed outside. In loopback isolation a place is an
environment and no more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rabbitlab.processes import MARK
from rabbitlab.state import Lab, Node, Store

SCRIPTS = "/usr/lib/rabbitmq/bin"
"""The broker's own scripts: the wrappers in /usr/sbin change user and folder."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# $1 host name, $2 hosts file, $3 root folder or empty, $4 state folder; then the command. `mount` and `echo` work on
# the namespaces that unshare has just made for this one command. The state folder has the same path inside a root.
_ENTER = """
set -e
host=$1 hosts=$2 root=$3 state=$4
shift 4
test -z "$host" || echo "$host" > /proc/sys/kernel/hostname
if test -z "$root"; then
  mount --bind "$hosts" /etc/hosts
  exec "$@"
fi
mkdir -p "$root$state"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$state" "$root$state"
touch "$root/etc/hosts"
mount --bind "$hosts" "$root/etc/hosts"
exec chroot "$root" "$@"
"""


def inside(store: Store, lab: Lab, node: Node, argv: Sequence[str]) -> list[str]:
    """The argument list that runs `argv` in the node's place. Give it the environment of `environment`."""
    enter = ["sh", "-c", _ENTER, "lab"]
    # Slave propagation: when `ip netns del` unmounts the namespace outside, the copy in here goes too.
    apart = ["unshare", "--mount", "--uts", "--propagation", "slave"]
    if node.namespace is not None:
        hosts = str(store.folder / "hosts")
        enter += [node.name, hosts, lab.root or "", str(store.folder)]
        return ["nsenter", f"--net=/run/netns/{node.namespace}", *apart, *enter, *argv]
    if lab.root is not None:
        return [*apart, *enter, "", "/etc/hosts", lab.root, str(store.folder), *argv]
    return list(argv)


def beside(node: Node, argv: Sequence[str]) -> list[str]:
    """The argument list that runs a tool of the machine (iptables, the lab's relay) in the node's network alone."""
    if node.namespace is None:
        return list(argv)
    return ["nsenter", f"--net=/run/netns/{node.namespace}", *argv]


def at_observer(store: Store, lab: Lab, argv: Sequence[str]) -> list[str]:
    """The argument list that runs `argv` where the observer is: the machine itself, with a hosts file that names
    all nodes."""
    if lab.order.isolation != "netns":
        return list(argv)
    enter = ["sh", "-c", _ENTER, "lab", "", str(store.folder / "hosts.observer"), "", str(store.folder)]
    return ["unshare", "--mount", "--propagation", "slave", *enter, *argv]


def environment(store: Store, lab: Lab, node: Node) -> dict[str, str]:
    """A node's whole environment. Made from nothing, so that no RABBITMQ_* or ERL_* of the caller leaks in.

    As root the broker runs as root, not as the user rabbitmq: the state folder may lie under a folder that only root
    may enter, and everything that the broker writes is in the state folder anyway.
    """
    home = store.home(node)
    env = {
        "PATH": f"{SCRIPTS}:{_PATH}",
        "LANG": "C.UTF-8",
        "HOME": str(home / "home"),
        MARK: lab.mark,
        "RABBITMQ_NODENAME": node.node,
        "RABBITMQ_NODE_PORT": str(node.ports.amqp),
        "RABBITMQ_DIST_PORT": str(node.ports.distribution),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(store.logs),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(home / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "ERL_CRASH_DUMP": "/dev/null",
        "ERL_EPMD_PORT": str(lab.epmd_port),
    }
    if node.namespace is None:
        env["ERL_EPMD_ADDRESS"] = "127.0.0.1"
        env["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}"
    return env


def visitor_environment(store: Store, lab: Lab, node: Node | None) -> dict[str, str]:
    """For a command of the user: their own environment, with the node's laid over it (none for the observer)."""
    env = dict(os.environ)
    env[MARK] = lab.mark
    if node is None:
        return env
    for key in [key for key in env if key.startswith(("RABBITMQ_", "ERL_"))]:
        del env[key]
    own = environment(store, lab, node)
    path = f"{SCRIPTS}:{_PATH}" if lab.root else f"{SCRIPTS}:{env.get('PATH', _PATH)}"
    env.update({**own, "PATH": path, "LANG": env.get("LANG", own["LANG"])})
    return env


def helper_environment(lab: Lab, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """For the lab's own background processes (relay, traffic), which are modules of this package."""
    package = Path(__file__).resolve().parent.parent
    return {"PATH": _PATH, "LANG": "C.UTF-8", "PYTHONPATH": str(package), MARK: lab.mark, **(extra or {})}
