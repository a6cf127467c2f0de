"""Compiles what every frame of a call goes through to machine code, by mypyc. Needs a C compiler, Python's headers.

    python scripts/compile_bridge.py [--into .compiled]      # make compiled

The folder gets a copy of ``services`` with the compiled modules beside their sources; with the folder first on
PYTHONPATH they are what is imported. The working tree is not touched: an edited source is never hidden by an older
build. A folder that was built from the same sources by the same tools is left as it is.

Nothing behaves differently compiled, but a value of another type than the annotations say is a TypeError, and
methods of compiled classes cannot be replaced from outside.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SESSION: Final = Path("services/bridge/session")
LEGS: Final = Path("services/bridge/legs")
HOT_LEGS: Final = (
    "audibility", "audio", "carrier_leg", "fader", "frames", "live_leg", "pacer", "played", "ticks", "uplink", "voice",
)  # fmt: skip
DRIVER: Final = Path("services/bridge/driver.py")
DATA: Final = ("actions", "facts", "inputs")
"""Of the session: pure data, which recordings are read into by its annotations."""
GROUP: Final = "agiza_bridge"
STAMP: Final = "stamp"
TIMEOUT_S: Final = 1_200


def modules() -> list[Path]:
    """What is compiled, as paths below the root."""
    left_out = (*DATA, "__init__")
    session = [path.relative_to(ROOT) for path in sorted((ROOT / SESSION).glob("*.py")) if path.stem not in left_out]
    return [*session, *(LEGS / f"{name}.py" for name in HOT_LEGS), DRIVER]


def fingerprint() -> str:
    """Changes when anything that goes into the build changes."""
    made_of = hashlib.sha256(f"{sys.version} {sysconfig.get_platform()}".encode())
    made_of.update(importlib.metadata.version("mypy").encode())
    for path in sorted((*(ROOT / "services").rglob("*"), *(ROOT / "agiza").rglob("*.py"), Path(__file__))):
        if path.is_file() and "__pycache__" not in path.parts:
            made_of.update(f"{path.relative_to(ROOT)} ".encode() + path.read_bytes())
    return made_of.hexdigest()


def lacking() -> str:
    """What this machine lacks for it, in words; empty when nothing."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"there is no C compiler ({compiler}); on Debian: apt install gcc libc6-dev"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python's headers are not installed; on Debian: apt install python3-dev"
    return ""


def build(into: Path) -> None:
    """Make the folder anew. Raises CalledProcessError with the compiler's words on stderr."""
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(ROOT / "services", into / "services", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, __file__, "--compile-here", *map(str, modules())],
        cwd=into,
        env={**os.environ, "MYPYPATH": str(ROOT), "CFLAGS": "-w"},
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=TIMEOUT_S,
    )
    shutil.rmtree(into / "build", ignore_errors=True)
    shutil.rmtree(into / ".mypy_cache", ignore_errors=True)


def compile_here(files: list[str]) -> None:
    """In a process of its own, in the folder: setuptools knows only the present one."""
    from mypyc.build import mypycify
    from setuptools import setup

    sys.argv = ["setup.py", "--quiet", "build_ext", "--inplace"]
    extensions = mypycify(["--ignore-missing-imports", *files], opt_level="2", debug_level="0", group_name=GROUP)
    setup(name=GROUP, packages=[], py_modules=[], ext_modules=extensions)


def main() -> int:
    """Exit code 0 when the folder is there and current, 3 when this machine cannot compile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=ROOT / ".compiled")
    parser.add_argument("--compile-here", nargs="+", metavar="FILE", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.compile_here:
        compile_here(chosen.compile_here)
        return 0
    into = chosen.into.resolve()
    stamp, current = into / STAMP, fingerprint()
    if stamp.is_file() and stamp.read_text() == current:
        return 0
    if into.exists() and not stamp.is_file():
        print(f"{into} was not made by this; name another folder or remove it", file=sys.stderr)
        return 2
    if lack := lacking():
        print(
            f"the bridge is not compiled: {lack}. Everything works without, with fewer calls per core.", file=sys.stderr
        )
        return 3
    print(f"compiling {len(modules())} modules of the bridge (some two minutes)", file=sys.stderr)
    build(into)
    stamp.write_text(current)
    return 0


if __name__ == "__main__":
    sys.exit(main())
