"""`python -m simulators.pos --secret whsec_...`: a sample POS on its own.

Prints one JSON line with `url` and `webhooks_url` when it is ready; SIGTERM or SIGINT ends it, and so may anything
else: what is owed is in the ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from .errors import PosError
from .serving import open_pos
from .settings import PosSettings, Waits
from .signature import key_of
from .sloppy import GOOD, HABITS, sloppy_parts


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.pos", description=str(__doc__).splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--secret", default=os.environ.get("POS_SECRET"), help="whsec_...; or POS_SECRET")
    parser.add_argument("--former-secret", action="append", default=[], help="still good while a secret is changed")
    parser.add_argument("--api", help="the sender's API, such as http://127.0.0.1:8003: words are said, holes filled")
    parser.add_argument("--key", default=os.environ.get("POS_KEY"), help="the API's key; or POS_KEY")
    parser.add_argument("--branch", help="whose feed is read; without: every branch that webhooks speak of")
    parser.add_argument("--read", choices=("webhooks", "pull", "sse"), default="webhooks")
    parser.add_argument("--first-number", type=int, help="the feed is ours from this number on")
    parser.add_argument("--ledger", type=Path, default=Path("pos-ledger.sqlite"), help="the file that remembers")
    parser.add_argument("--printer", type=Path, help="print to this file instead of standard output")
    parser.add_argument("--accept-minutes", type=int, default=20, help="the time that is promised")
    parser.add_argument("--kitchen-s", type=float, help="each step of cooking takes so long; without: POST .../say")
    parser.add_argument("--poll-s", type=float, default=30.0, help="how often it asks for what is new")
    parser.add_argument("--gap-s", type=float, default=1.0, help="how long a hole may fill itself")
    parser.add_argument("--sloppy", default="", metavar="HABIT[,HABIT]", help=f"all, or of {', '.join(HABITS)}")
    arguments = parser.parse_args()
    if arguments.read != "webhooks" and (arguments.api is None or arguments.branch is None):
        parser.error(f"--read {arguments.read} needs --api and --branch")
    if arguments.secret is None and arguments.read == "webhooks":
        parser.error("--secret is needed, or POS_SECRET")
    for secret in (*([arguments.secret] if arguments.secret else []), *arguments.former_secret):
        try:
            key_of(secret)
        except ValueError as error:
            parser.error(str(error))
    return arguments


def _settings(arguments: argparse.Namespace) -> PosSettings:
    # Without webhooks there is nothing to check; a secret that nobody knows refuses every delivery.
    secret = arguments.secret or "whsec_" + os.urandom(32).hex()
    return PosSettings(
        secrets=(secret, *arguments.former_secret),
        ledger=arguments.ledger,
        printer=arguments.printer,
        api=arguments.api,
        key=arguments.key,
        branch=arguments.branch,
        reading=arguments.read,
        first_number=arguments.first_number,
        accept_minutes=arguments.accept_minutes,
        waits=Waits(gap_s=arguments.gap_s, poll_s=arguments.poll_s, kitchen_s=arguments.kitchen_s),
    )


async def _serve(arguments: argparse.Namespace) -> None:
    parts = sloppy_parts(arguments.sloppy.split(",")) if arguments.sloppy else GOOD
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_pos(_settings(arguments), parts=parts, host=arguments.host, port=arguments.port) as opened:
        print(json.dumps({"url": opened.url, "webhooks_url": opened.webhooks_url}), flush=True)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, *opened.workers], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()


def main() -> int:
    """The process."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_serve(_arguments()))
    except (PosError, OSError, ValueError) as error:
        print(f"cannot serve: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
