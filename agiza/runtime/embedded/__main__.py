"""Start both servers, print their URLs as shell assignments, and stay until SIGINT or SIGTERM.

    python -m agiza.runtime.embedded --keep .agiza

Without ``--keep`` the data is thrown away at the end.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from agiza.runtime.embedded import EmbeddedUnavailable, embedded_postgres, embedded_redis


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 after a signal, 1 when a server cannot start."""
    parser = argparse.ArgumentParser(prog="python -m agiza.runtime.embedded", description=__doc__)
    parser.add_argument("--keep", type=Path, help="folder to keep the data in")
    parser.add_argument("--fast", action="store_true", help="no flushing to disk: quicker, a power cut costs the data")
    chosen = parser.parse_args(arguments)
    keep: Path | None = chosen.keep
    # Blocked before any server starts, so that a signal during the start is not lost but waits for sigwait below.
    stop_signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    try:
        with (
            embedded_postgres(keep / "postgres" if keep else None, fast=chosen.fast) as postgres,
            embedded_redis(keep / "redis" if keep else None) as redis,
        ):
            print(f"DATABASE_URL={postgres.url}")
            print(f"REDIS_URL={redis.url}", flush=True)
            signal.sigwait(stop_signals)
    except EmbeddedUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
