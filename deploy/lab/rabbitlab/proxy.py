"""nginx before all nodes: a `stream` proxy on AMQP's port, for an `http` block cannot carry AMQP."""

from __future__ import annotations

from pathlib import Path

from rabbitlab import brokers, network
from rabbitlab.errors import LabError
from rabbitlab.places import helper_environment
from rabbitlab.processes import spawn
from rabbitlab.state import Lab, Store

_NGINX = "/usr/sbin/nginx"
_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")


def check_possible() -> None:
    """Raises LabError unless nginx and its stream module are here."""
    if not Path(_NGINX).exists() or not _MODULE.exists():
        raise LabError("--nginx: nginx with its stream module is needed: apt-get install nginx libnginx-mod-stream")


def configuration(lab: Lab, folder: Path, listen: str) -> str:
    """nginx's configuration. One process without a master: nothing to lose sight of, and its environment, in which
    the lab's mark is, stays readable."""
    servers = "\n".join(
        f"    server {node.address}:{node.ports.amqp} max_fails=3 fail_timeout=10s;" for node in lab.nodes
    )
    return f"""load_module {_MODULE};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
stream {{
  upstream brokers {{
{servers}
  }}
  server {{
    listen {listen};
    proxy_connect_timeout 3s;
    proxy_timeout 1h;
    proxy_pass brokers;
  }}
}}
"""


def start(store: Store, lab: Lab, port: int) -> None:
    """Start the proxy: in netns a host of its own named proxy, in loopback on a port of the lab's block."""
    folder = store.folder / "proxy"
    folder.mkdir(exist_ok=True)
    address = f"{lab.subnet}.{network.PROXY_HOST}" if lab.subnet else lab.nodes[0].address
    if lab.subnet:
        network.plug_in(lab, "proxy", address)
    lab.proxy_address = f"{address}:{port}"
    store.save(lab)
    file = folder / "nginx.conf"
    file.write_text(configuration(lab, folder, lab.proxy_address), encoding="utf-8")
    prefix = ["nsenter", f"--net=/run/netns/{network.namespace(lab, 'proxy')}"] if lab.subnet else []
    argv = [*prefix, _NGINX, "-p", str(folder), "-c", str(file)]
    store.record(lab, "proxy", spawn(argv, helper_environment(lab), store.logs / "proxy.out"))
    brokers.wait_until(lambda: brokers.listens(address, port), 10.0, f"nginx (see {store.logs}/proxy.out)")
