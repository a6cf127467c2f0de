"""What the operating system says of a process: its core, its CPU time, its memory. Linux."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

VERSION_TIMEOUT_S: Final = 10


@dataclass(frozen=True, slots=True)
class Cores:
    """Where the bridge runs, and where the load side does with all else. The same one on a machine with one core."""

    bridge: int
    load: int

    @property
    def are_apart(self) -> bool:
        return self.bridge != self.load

    def __str__(self) -> str:
        return f"bridge and load side on {'a core each' if self.are_apart else 'the SAME core'}"


def choose_cores() -> Cores:
    """Two of those that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[0], allowed[-1])


@contextlib.contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """This process and what it starts stay on one core for as long as the block runs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    for known in found:
        for task in _tasks(known):
            children = _read(task / "children").split()
            found += [int(child) for child in children]
    return found


def cpu_seconds(*pids: int) -> float:
    """User and system time of these processes so far, to the nanosecond where the kernel keeps it."""
    return sum(_cpu_ns(task) for pid in pids for task in _tasks(pid)) / 1e9


def waited_seconds(*pids: int) -> float:
    """For so long threads of these processes could have run while something else had the core. 0 where the kernel
    does not count it."""
    fields = [_read(task / "schedstat").split() for pid in pids for task in _tasks(pid)]
    return sum(int(each[1]) for each in fields if len(each) > 1) / 1e9


def pss_mb(pid: int) -> float:
    """Proportional set size of a process tree, in units of 10^6 bytes."""
    kilobytes = 0
    for each in tree(pid):
        for line in _read(Path(f"/proc/{each}/smaps_rollup")).splitlines():
            if line.startswith("Pss:"):
                kilobytes += int(line.split()[1])
    return kilobytes * 1024 / 1e6


def describe() -> str:
    """One line on the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = next((line.split(":", 1)[1].strip() for line in _read(Path("/proc/cpuinfo")).splitlines()
                  if line.startswith("model name")), platform.machine())  # fmt: skip
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()} {platform.release()}"


def load_average() -> float:
    """Of the last minute: what else the machine is doing."""
    return os.getloadavg()[0]


def occasion(command: str, load_before: float) -> str:
    """What a table in the page begins with: the command, the day, and what else the machine was doing."""
    return f"`{command}`, {datetime.now(UTC):%Y-%m-%d} (load average before: {load_before:.1f})"


def python_with(*packages: str) -> str:
    """Python's version and those of packages of this environment."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    return ", ".join((f"Python {platform.python_version()}", *versions))


def node_version(folder: Path) -> str | None:
    """Node's version and that of ``ws`` in this folder; None where they are not installed."""
    package = folder / "node_modules" / "ws" / "package.json"
    node = shutil.which("node")
    if node is None or not package.is_file():
        return None
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False)
    return f"Node {asked.stdout.strip().removeprefix('v')} with ws {json.loads(package.read_text())['version']}"


def pipecat_version(environment: Path) -> str | None:
    """Pipecat's version in this environment; None where it is not installed."""
    found = sorted(environment.glob("lib/python*/site-packages/pipecat_ai-*.dist-info"))
    return f"Pipecat {found[0].name.removeprefix('pipecat_ai-').removesuffix('.dist-info')}" if found else None


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _cpu_ns(task: Path) -> int:
    fields = _read(task / "schedstat").split()
    if fields:
        return int(fields[0])
    ticks = _read(task / "stat").rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended meanwhile
        return ""
