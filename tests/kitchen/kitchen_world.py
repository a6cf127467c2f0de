"""The orders service as its own process, on real servers, with callers who speak through its internal route."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import yaml

from agiza.contracts.envelope import Stamp, decode, encode
from agiza.contracts.events import FunctionCall, ReadBackEvidence, ToolAnswered, ToolCalled
from agiza.runtime.branch_keys import branch_key
from agiza.runtime.traces import Trace

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
"""A Friday, 12:00 in Nairobi: the branch is open."""
TOKEN = "a-token-of-at-least-thirty-two-characters"
SECRET = "a-screen-secret-of-at-least-32-characters"
READY_S = 60.0
_ids = itertools.count(1)


def write_branches(folder: Path, count: int) -> None:
    """So many branches with the menu of Westlands, so that each test has a kitchen of its own."""
    document = yaml.safe_load((ROOT / "branches" / "westlands.yaml").read_text())
    for number in range(1, count + 1):
        name = f"kitchen-{number}"
        kitchen = {"received_seconds": 1800, "accepted_seconds": 3600, "ring_after_seconds": 7200}
        branch = {
            **document["branch"],
            "kitchen": kitchen,
            "id": name,
            "name": f"Tamu Grill {number}",
            "phone": f"+2547090010{number:02}",
        }
        (folder / f"{name}.json").write_text(json.dumps({**document, "branch": branch}))


@dataclass
class World:
    """The process and what belongs to it. It can be ended and started again; its address stays."""

    database_url: str
    admin_url: str
    redis_url: str
    branches: Path
    port: int
    log: Path
    http: httpx.Client
    process: subprocess.Popen[bytes] | None = None
    set_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def now(self) -> datetime:
        return NOON + (datetime.now(UTC) - self.set_at)

    def start(self) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "AGIZA_PORT": str(self.port),
            "AGIZA_INTERNAL_TOKEN": TOKEN,
            "AGIZA_SCREEN_SECRET": SECRET,
            "AGIZA_HTTPS": "false",
            "AGIZA_BRANCHES_DIR": str(self.branches),
            "AGIZA_NOW": NOON.isoformat(),
            "AGIZA_NOW_SET_AT": self.set_at.isoformat(),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.orders"], env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                if self.http.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            time.sleep(0.05)
        raise AssertionError(f"orders is not ready: {self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """As a supervisor ends it."""
        assert self.process is not None
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def key(self, branch: str) -> str:
        return branch_key(branch, SECRET)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds, seen by the administrator."""
        with psycopg.connect(self.admin_url) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def run(self, statement: str, *values: Any) -> None:
        """Change the database as another service would."""
        with psycopg.connect(self.admin_url) as connection:
            connection.execute(statement, values)  # type: ignore[arg-type]

    def caller(self, branch: str, *, at: datetime | None = None) -> Caller:
        """A call that has just begun, as the webhook writes it down."""
        call_id = f"HD_kitchen{next(_ids):04}"
        self.run(
            "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, stage, traceparent, started_at)"
            " VALUES (%s, %s, 1, '+254711000001', 'streaming', '', %s)",
            call_id, branch, at or self.now(),
        )  # fmt: skip
        return Caller(self, branch, call_id)

    def states(self, branch: str) -> list[str]:
        """The states of the branch's orders, in the order of their numbers."""
        return [row[0] for row in self.rows("SELECT state FROM orders WHERE branch_id = %s ORDER BY 1", branch)]


@dataclass
class Caller:
    """One call: each word is a function call of the model."""

    world: World
    branch: str
    call_id: str

    def ask(self, name: str, /, *, heard: ReadBackEvidence | None = None, **args: Any) -> dict[str, Any]:
        number = next(_ids)
        event = ToolCalled(
            branch_id=self.branch,
            call_id=self.call_id,
            menu_version=1,
            leg_epoch=1,
            calls=(FunctionCall(id=f"fc-{number}", name=name, args=args),),
            cart_version_told=None,
            deadline_ms=int((self.world.now() + timedelta(seconds=8)).timestamp() * 1000),
            reply_to="agiza:replies:test",
            read_back=heard,
        )
        stamp = Stamp(id=f"evt-{number}", source="/test", time=self.world.now(), traceparent=str(Trace.new()))
        answer = self.world.http.post(
            f"{self.world.url}/internal/tool-calls",
            content=encode(event, stamp),
            headers={"authorization": f"Bearer {TOKEN}"},
        )
        assert answer.status_code == 200, answer.text
        answered = decode(answer.content).event
        assert isinstance(answered, ToolAnswered)
        return answered.results[0].response

    def place(self) -> dict[str, Any]:
        """Read back, and place what is in the cart."""
        total = self.ask("getTotal")
        heard = ReadBackEvidence(quote_id=total["quote_id"], outcome="completed", played_ms=4000, caller_speech_ms=400)
        placed = self.ask("placeOrder", heard=heard)
        assert placed["status"] == "ok", json.dumps(placed)
        return placed

    def order(self, *items: str) -> dict[str, Any]:
        """Say these items and place them."""
        for item in items:
            assert self.ask("addItem", name=item)["status"] == "ok"
        return self.place()

    def hang_up(self) -> None:
        self.world.run(
            "UPDATE calls SET ended_at = %s, outcome = 'done' WHERE call_id = %s", self.world.now(), self.call_id
        )
