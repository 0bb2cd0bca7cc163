"""Labs that exist on paper only."""

from __future__ import annotations

from rabbitlab.order import Order
from rabbitlab.state import Lab, Node, Ports


def netns_lab(nodes: int = 3, ram: tuple[str, ...] = ()) -> Lab:
    lab = Lab(id="rl0a1b2c", mark="mark", boot="boot", order=Order(nodes=nodes, ram=ram), subnet="10.200.7")
    lab.users = {"admin": "adminsecret", "monitor": "monitorsecret"}
    lab.cookie = "COOKIE"
    for number, name in enumerate(lab.order.names, start=1):
        kind = "ram" if name in ram else "disc"
        space = f"{lab.id}-{name}"
        lab.nodes.append(Node(name, f"rabbit@{name}", f"10.200.7.{10 + number}", kind, Ports(), space))
    return lab


def loopback_lab() -> Lab:
    lab = Lab(id="rl0a1b2c", mark="mark", boot="boot", order=Order(nodes=2, isolation="loopback"), epmd_port=21000)
    lab.users = {"admin": "adminsecret", "monitor": "monitorsecret"}
    for number in (1, 2):
        ports = Ports(21000 + number, 21020 + number, 21040 + number, 21060 + number, 21080 + number)
        lab.nodes.append(Node(f"rabbit{number}", f"rabbit{number}@localhost", "127.0.0.1", "disc", ports))
    return lab
