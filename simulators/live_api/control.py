"""A small control API on loopback HTTP: look at sessions, queue faults for the next one.

GET  /healthz    {"status": "ok"}
GET  /sessions   {"sessions": [...]}, oldest first; see record.SessionRecord
POST /faults     a Faults object, used for the next connection; 422 with the problems if it is none
"""

from __future__ import annotations

import json
from asyncio import AbstractEventLoop
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

from pydantic import ValidationError

from simulators.live_api.faults import Faults
from simulators.live_api.record import SessionRecord

_BODY_BYTES_MAX = 64 * 1024


class ControlServer:
    """Serves from its own thread; what it changes, it changes on the event loop."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        sessions: Callable[[], list[SessionRecord]],
        queue_faults: Callable[[Faults], None],
        *,
        port: int = 0,
    ) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _handler(loop, sessions, queue_faults))
        self._thread = Thread(target=self._http.serve_forever, name="live-control", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _handler(
    loop: AbstractEventLoop,
    sessions: Callable[[], list[SessionRecord]],
    queue_faults: Callable[[Faults], None],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(200, {"status": "ok"})
            elif self.path == "/sessions":
                self._answer(200, {"sessions": [record.as_json() for record in sessions()]})
            else:
                self._answer(404, {"error": f"no such path: {self.path}"})

        def do_POST(self) -> None:
            if self.path != "/faults":
                self._answer(404, {"error": f"no such path: {self.path}"})
                return
            length = int(self.headers.get("Content-Length") or 0)
            if length > _BODY_BYTES_MAX:
                self._answer(413, {"error": f"at most {_BODY_BYTES_MAX} bytes"})
                return
            try:
                faults = Faults.model_validate_json(self.rfile.read(length))
            except ValidationError as error:
                problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
                self._answer(422, {"problems": problems})
                return
            loop.call_soon_threadsafe(queue_faults, faults)
            self._answer(202, {"queued": faults.model_dump(mode="json", exclude_defaults=True)})

        def _answer(self, status: int, body: object) -> None:
            payload = json.dumps(body, indent=2).encode() + b"\n"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the caller of a control API knows what it asked."""

    return Handler
