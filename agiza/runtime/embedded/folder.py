"""The folder of an embedded server: private, locked while in use, kept or thrown away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agiza.runtime.embedded.binaries import EmbeddedUnavailable

PASSWORD_BYTES: Final = 24
MEMORY_BYTES_MIN: Final = 2 * 1024**3
"""A server with a few databases takes some 100 MB; containers often give only 64 MB of shared memory."""


@contextlib.contextmanager
def server_folder(keep_in: Path | None, prefix: str) -> Iterator[Path]:
    """The folder for one server: ``keep_in`` (made when missing, kept), or a new one that is removed afterwards.

    It is locked until the context ends, so that two starts cannot share it; the lock falls with the process. Raises
    :class:`EmbeddedUnavailable` when another process holds it.
    """
    if keep_in is None:
        with _throw_away_folder(f"agiza-{prefix}-") as folder:
            yield folder
        return
    folder = keep_in.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Beside the folder, not inside: the folder itself may belong to the account that the server runs as.
    with Path(f"{folder}.lock").open("w") as lock:
        if not _locked(lock.fileno()):
            raise EmbeddedUnavailable(
                f"{folder} is in use by another running server: stop it, or choose another folder"
            )
        yield folder


@contextlib.contextmanager
def _throw_away_folder(prefix: str) -> Iterator[Path]:
    parent = throw_away_parent()
    _remove_abandoned(parent, prefix)
    while True:
        descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=".lock", dir=parent)
        lock = Path(name)
        if _locked(descriptor) and lock.exists():
            break
        os.close(descriptor)  # a peer that cleans up was quicker than our lock
    folder = lock.with_suffix("")
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def throw_away_parent() -> Path:
    """Memory where there is plenty (a copy of a database is twenty times as quick there), else the usual place."""
    memory = Path("/dev/shm")  # noqa: S108 - only a private folder is made inside
    if "TMPDIR" not in os.environ and memory.is_dir() and os.access(memory, os.W_OK | os.X_OK):
        with contextlib.suppress(OSError):
            if shutil.disk_usage(memory).free >= MEMORY_BYTES_MIN:
                return memory
    return Path(tempfile.gettempdir())


def _remove_abandoned(parent: Path, prefix: str) -> None:
    """Folders whose process was killed before it could clean up: their lock is free."""
    for lock in parent.glob(f"{prefix}*.lock"):
        with contextlib.suppress(OSError), lock.open("r+") as file:
            if _locked(file.fileno()):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hand_over(folder: Path, uid: int, gid: int) -> None:
    """Make the folder private and give it, with all that is inside, to the account that the server runs as.

    Only root can give files away; anybody else runs the server as themselves and owns the files already.
    """
    folder.chmod(0o700)
    if os.geteuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)


def stored_password(path: Path) -> str:
    """The password in this file, made at the first call. Readable by the owner only."""
    if path.exists():
        return path.read_text().strip()
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")
    return password
