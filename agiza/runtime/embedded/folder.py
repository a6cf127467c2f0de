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


@contextlib.contextmanager
def server_folder(keep_in: Path | None, prefix: str) -> Iterator[Path]:
    """The folder for one server: ``keep_in`` (made when missing, kept), or a new one that is removed afterwards.

    A kept folder is locked until the context ends, so that two starts cannot share it. The lock falls with the
    process. Raises :class:`EmbeddedUnavailable` when another process holds it.
    """
    if keep_in is None:
        folder = Path(tempfile.mkdtemp(prefix=f"agiza-{prefix}-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    folder = keep_in.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Beside the folder, not inside: the folder itself may belong to the account that the server runs as.
    with Path(f"{folder}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedUnavailable(
                f"{folder} is in use by another running server: stop it, or choose another folder"
            ) from None
        yield folder


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
