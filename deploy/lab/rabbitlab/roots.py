"""Where a RabbitMQ version comes from: the machine's own packages, or a root folder that debootstrap makes once.

Root folders are cached and shared by all labs. One is built under a temporary name and renamed when it is complete,
so an interrupted build is never taken for a good one. No mirror is written down here: the machine's own apt
configuration says where its packages come from.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from rabbitlab.errors import LabError
from rabbitlab.order import VERSIONS
from rabbitlab.processes import MARK, end, marked
from rabbitlab.run import run

_MACHINE = Path("/")
_LIBRARY = Path("usr/lib/rabbitmq/lib")
_SCRIPTS = Path("/usr/share/debootstrap/scripts")
_NEWEST = "sid"
"""debootstrap's script for releases younger than itself: the steps are the same, only the name is new to it."""


def broker_version(root: Path = _MACHINE) -> str | None:
    """The version of RabbitMQ under a root folder, such as 3.10.8; None where there is none."""
    found = sorted(path.name for path in (root / _LIBRARY).glob("rabbitmq_server-*"))
    return found[-1].removeprefix("rabbitmq_server-") if found else None


def of_line(version: str | None, line: str) -> bool:
    """Whether 3.10.8 belongs to 3.10."""
    return version is not None and (version == line or version.startswith(f"{line}."))


def provide(line: str, cache: Path, told: Callable[[str], None]) -> Path | None:
    """The root folder that carries this version line, None where the machine itself does. Builds it when missing.

    Raises LabError when it can be had in neither way, with the remedy.
    """
    if of_line(broker_version(), line):
        return None
    release = VERSIONS[line]
    root = cache / f"{release}-rabbitmq"
    if os.geteuid() != 0:
        own = broker_version()
        has = f"this machine has {own}" if own else "rabbitmq-server is not installed: apt-get install rabbitmq-server"
        raise LabError(f"RabbitMQ {line} needs root for its root folder ({has})")
    if broker_version(root) is None:
        cache.mkdir(parents=True, exist_ok=True)
        with _only_builder(cache / f"{release}.lock", told):
            if broker_version(root) is None:
                _build(release, root, told)
    version = broker_version(root)
    if not of_line(version, line):
        raise LabError(f"{root} carries RabbitMQ {version}, not {line}: Debian {release} has moved on")
    return root


@contextlib.contextmanager
def _only_builder(path: Path, told: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told(f"waiting for another lab that builds {path.stem}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(release: str, root: Path, told: Callable[[str], None]) -> None:
    if shutil.which("debootstrap") is None:
        raise LabError(f"debootstrap is needed for Debian {release}: apt-get install debootstrap")
    mirror = _mirror(release)
    mark = f"{root}.building"
    end(marked(mark))  # a build whose lab was killed goes on alone; we hold the lock, so there is no other
    for left in root.parent.glob(f"{release}.building-*"):
        shutil.rmtree(left, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=f"{release}.building-", dir=root.parent))
    new.chmod(0o755)
    told(f"building a Debian {release} root folder with rabbitmq-server, about 70 s, once")
    script = [] if (_SCRIPTS / release).exists() else [str(_SCRIPTS / _NEWEST)]
    # A mount namespace of its own: what debootstrap mounts in the new root ends with it, whatever becomes of it, so
    # that removing a half-made root never reaches into a mounted /proc or /sys.
    argv = [
        "unshare",
        "--mount",
        "debootstrap",
        "--variant=minbase",
        "--include=rabbitmq-server",
        release,
        str(new),
        mirror,
        *script,
    ]
    log = root.parent / f"{release}.log"
    try:
        with log.open("wb") as output:
            code = _to_its_end(argv, output.fileno(), mark)
        if code != 0:
            last = (log.read_text(errors="replace").strip() or "no message").splitlines()[-1]
            raise LabError(f"debootstrap {release} failed: {last} (all of it in {log})")
        shutil.rmtree(new / "var/cache/apt/archives", ignore_errors=True)
        new.rename(root)
    finally:
        if new.exists():
            shutil.rmtree(new, ignore_errors=True)


def _to_its_end(argv: list[str], output: int, mark: str) -> int:
    """Run debootstrap in a process group of its own, which ends with us when we are interrupted."""
    env = {**_plain_environment(), MARK: mark}
    child = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, start_new_session=True
    )
    try:
        return child.wait(timeout=1800)
    except subprocess.TimeoutExpired:
        raise LabError("debootstrap took over half an hour: is the mirror reachable?") from None
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            end(marked(mark))


def _plain_environment() -> dict[str, str]:
    """Without the caller's Python and locale settings, which confuse maintainer scripts; with their proxy."""
    keep = {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        **keep,
    }


def candidates(listing: str) -> list[str]:
    """Mirror addresses out of `apt-get indextargets`, one line `address|origin|label` a target; in order, without
    doubles, without security archives and other vendors' ones."""
    found: list[str] = []
    for line in listing.splitlines():
        address, origin, label = (*line.split("|"), "", "")[:3]
        address = address.rstrip("/")
        debian = origin == "Debian" and "security" not in label.lower() and "security" not in address
        if debian and re.match(r"(https?|file|copy):", address) and address not in found:
            found.append(address.replace("copy:", "file:", 1))
    return found


def _mirror(release: str) -> str:
    listing = run(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(ORIGIN)|$(LABEL)", "Created-By: Packages"])
    mirrors = candidates(listing)
    for mirror in mirrors:
        if _serves(mirror, release):
            return mirror
    if not mirrors:
        raise LabError("apt knows no Debian mirror on this machine: run apt-get update, or set one in its sources")
    raise LabError(f"none of the machine's Debian mirrors has {release}: {', '.join(mirrors)}")


def _serves(mirror: str, release: str) -> bool:
    """Whether the mirror has this release; it may be one that holds the machine's own release and no other."""
    for name in ("InRelease", "Release"):
        request = urllib.request.Request(f"{mirror}/dists/{release}/{name}", method="GET")  # noqa: S310 - http or file
        try:
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - apt's own mirrors: http, https or file
                return True
        except (urllib.error.URLError, OSError):
            continue
    return False
