"""The ticket printer: a file or standard output. Each slip is printed exactly once, as far as a printer allows it.

A file can be read: what stands in it is printed, and a slip that was torn by a crash is cut off and printed anew. A
real printer, like standard output, cannot be asked. There a slip that may have been printed when the process died comes
out again with COPY on it: the kitchen throws one away, and never misses one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, Protocol

from .ledger import OwedSlip

_END: Final = "--- end of slip "


class Printer(Protocol):
    """Prints a slip. ``slip.begun`` says that it may have been printed before."""

    def print(self, slip: OwedSlip) -> None: ...


class FilePrinter:
    """Appends to a file, flushed to the disk slip by slip."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("a+b")
        self._printed = self._read_back()

    def print(self, slip: OwedSlip) -> None:
        """On the disk when this returns; nothing if it was there already."""
        if slip.key in self._printed:
            return
        self._file.write(f"{slip.text}\n{_END}{slip.key} ---\n".encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._printed.add(slip.key)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _read_back(self) -> set[str]:
        """The slips that are whole; what stands behind the last of them was torn, and is cut off."""
        self._file.seek(0)
        printed, whole_to, at = set[str](), 0, 0
        for line in self._file:
            at += len(line)
            if line.startswith(_END.encode()) and line.endswith(b" ---\n"):
                printed.add(line.removeprefix(_END.encode()).split()[0].decode())
                whole_to = at
        self._file.truncate(whole_to)
        return printed


class ScreenPrinter:
    """Prints to standard output."""

    def print(self, slip: OwedSlip) -> None:
        """Out of our hands when this returns."""
        sys.stdout.write(f"{'*** COPY ***' + chr(10) if slip.begun else ''}{slip.text}\n\n")
        sys.stdout.flush()


def ticket_text(number: int, order_id: str, ticket: Mapping[str, Any]) -> str:
    """The kitchen's slip: the order's number, then each line as the sender words it for kitchens."""
    lines = [f"=== ticket {number} === {ticket.get('fulfilment', '')}", f"order {order_id}"]
    for line in _objects(ticket.get("lines")):
        wording = [str(text) for text in line.get("printed") or ()]
        lines += wording or [f"{line.get('quantity', 1)} x {line.get('kitchen') or line.get('name', '?')}"]
    if ticket.get("note"):
        lines.append(f"note: {ticket['note']}")
    return "\n".join(_printable(line) for line in lines)


def stop_text(number: int, order_id: str) -> str:
    """The slip that takes a ticket back."""
    return f"=== STOP ticket {number} ===\norder {order_id}"


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _printable(line: str) -> str:
    """One line, without what would steer a printer or forge the end of a slip."""
    text = "".join(letter if letter.isprintable() else " " for letter in line)
    return f" {text}" if text.startswith(_END) else text
