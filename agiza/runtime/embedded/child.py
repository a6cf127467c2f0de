"""A server process that cannot outlive us, and that may run as somebody else.

Linux: the kernel signals the child when we die, however we die (PR_SET_PDEATHSIG). The kernel ties that to the
*thread* which started the child, so all children are started from one thread that lives as long as the process.
Elsewhere: a small shell process holds the reading end of a pipe of ours; when we die it reads end-of-file and
signals the server.

Postgres refuses to run as root, and as a user without an entry in the list of accounts (a container started with
an arbitrary uid). There are two ways around it, and both leave the machine's accounts alone:

* ``nobody``: root's child changes to that account before it starts;
* ``namespace``: the child enters a user namespace in which it is called nobody. Needed when root's program or data
  lies under a folder that only root may enter, such as root's home, and for users without an entry.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from agiza.runtime.embedded.binaries import EmbeddedUnavailable

Identity = Literal["self", "nobody", "namespace"]

_PR_SET_PDEATHSIG: Final = 1
_CLONE_NEWUSER: Final = 0x10000000
_libc: Final = ctypes.CDLL(None, use_errno=True)
"""Loaded before any fork: between fork and exec nothing may be imported or allocated needlessly."""

_starter: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


@dataclass(frozen=True, slots=True)
class Account:
    """As whom a server runs. ``uid`` and ``gid`` are the owner that its data folder must have, seen from outside."""

    identity: Identity
    uid: int
    gid: int


def choose_account(program: Path, folder: Path) -> Account:
    """Ourselves where Postgres accepts us; else ``nobody`` where it can reach program and folder, else a namespace."""
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0 and _has_entry(uid):
        return Account("self", uid, gid)
    nobody = _nobody()
    if uid == 0 and _enterable_by_all(folder.resolve().parent) and _runs([str(program), "--version"], nobody):
        return nobody
    namespace = Account("namespace", uid, gid)
    if sys.platform == "linux" and _runs([str(program), "--version"], namespace):
        return namespace
    raise EmbeddedUnavailable(
        f"Postgres refuses to run as root or as an unknown user, the account nobody cannot reach {program} and "
        f"{folder}, and user namespaces are not allowed here: start as an ordinary user, move the environment out of "
        "root's home, or set DATABASE_URL"
    )


def run(command: Sequence[str | Path], account: Account, *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run a short program to its end as that account. Output is captured, a failure does not raise."""
    process = start(command, account, stdout=subprocess.PIPE)
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    return subprocess.CompletedProcess(list(command), process.returncode, output, "")


def start(
    command: Sequence[str | Path],
    account: Account,
    *,
    stdout: int,
    stdin: int = subprocess.DEVNULL,
    death_signal: signal.Signals = signal.SIGINT,
) -> subprocess.Popen[str]:
    """Start a process that receives ``death_signal`` when this process dies. Callable from any thread.

    ``stdout`` takes both of its output streams. It sits in its own process group, so that Ctrl-C in a terminal
    reaches us only and we stop it in order.
    """
    as_nobody = account.identity == "nobody"
    prepare = _prepare_child(os.getpid(), death_signal, namespace=account.identity == "namespace")

    def launch() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",  # our own working folder may be closed to the other account
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            process_group=0,
            preexec_fn=prepare,
            user=account.uid if as_nobody else None,
            group=account.gid if as_nobody else None,
            extra_groups=[] if as_nobody else None,
        )

    return _starter.submit(launch).result()


def stop(process: subprocess.Popen[str], stop_signal: signal.Signals, *, timeout_s: float) -> int:
    """Ask the server to stop, insist after the time limit, and return its exit code. May be called twice."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def watch_over(pid: int, stop_signal: signal.Signals) -> Callable[[], None]:
    """Where the kernel cannot tell a child of our death: a shell that signals ``pid`` when our pipe closes.

    Returns the function that calls the watcher off, to be called after the server has stopped.
    """
    ours, theirs = socket.socketpair()
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", f"read -r word || kill -{stop_signal.value} {pid} 2>/dev/null"],
        stdin=theirs.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    theirs.close()

    def call_off() -> None:
        with contextlib.suppress(OSError):
            ours.sendall(b"done\n")
        ours.close()
        watcher.wait(timeout=5)

    return call_off


def kernel_tells_of_death() -> bool:
    """Whether the kernel signals children when their parent dies."""
    return sys.platform == "linux"


def _prepare_child(parent: int, death_signal: signal.Signals, *, namespace: bool) -> Callable[[], None]:
    """What the child does between fork and exec. Changing user clears the death signal, so it is set last."""

    inside = _nobody() if namespace else None  # looked up here: the child of a fork must not read files of accounts

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a launcher that blocks signals must not pass that on
        if inside is not None:
            _enter_user_namespace(inside)
        if sys.platform == "linux":
            _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the call above could take effect
                os._exit(1)

    return prepare


def _enter_user_namespace(inside: Account) -> None:
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inside.uid} {uid} 1")
    _write("/proc/self/gid_map", f"{inside.gid} {gid} 1")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _nobody() -> Account:
    """The account that every Unix has. Where even that is missing, its usual number."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account("nobody", 65534, 65534)
    return Account("nobody", entry.pw_uid, entry.pw_gid)


def _has_entry(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _enterable_by_all(folder: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents))


def _runs(command: list[str], account: Account) -> bool:
    try:
        return run(command, account, timeout_s=10).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
