"""A server process for the length of a context, which may be killed and started again in between.

server.kill()            # SIGKILL, as a crash or the kernel's memory killer would
server.start_again()     # the same data folder, password and port
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from signal import Signals
from typing import Final, TypeAlias

from agiza.runtime.embedded import child

STOP_TIMEOUT_S: Final = 10

Launch: TypeAlias = Callable[[int | None], tuple[subprocess.Popen[str], int]]
"""Starts the server on this port (None: a free one) and returns it, answering, with its port."""


class HeldServer:
    """One server process and its port. Methods block; they are called from one thread at a time."""

    def __init__(self, launch: Launch, stop_signal: Signals, port: int | None = None) -> None:
        self._launch = launch
        self._stop_signal = stop_signal
        self._process, self.port = launch(port)
        self._call_off = self._watch()

    @property
    def pid(self) -> int:
        """Process id of the server that was started last."""
        return self._process.pid

    def kill(self) -> None:
        """End it with SIGKILL and wait until it is gone. Harmless when repeated."""
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        """Start it once more on its port, and return when it answers; a running one is stopped in order first.

        Raises :class:`~agiza.runtime.embedded.EmbeddedUnavailable` when it cannot start.
        """
        self.stop()
        self._process, _ = self._launch(self.port)
        self._call_off = self._watch()

    def stop(self) -> None:
        """Stop it in order. Harmless when repeated, and after :meth:`kill`."""
        child.stop(self._process, self._stop_signal, timeout_s=STOP_TIMEOUT_S)
        if self._call_off is not None:
            self._call_off()
            self._call_off = None

    def _watch(self) -> Callable[[], None] | None:
        return None if child.kernel_tells_of_death() else child.watch_over(self._process.pid, self._stop_signal)
