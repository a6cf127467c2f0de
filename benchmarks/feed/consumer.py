"""One reader of a branch's feed, as an integrator would write it: a process that may be killed at any moment.

    python -m benchmarks.feed.consumer FORM FOLDER BRANCH WORK_MS KEY URL [URL ...]

FORM is ``sse``, ``pull``, ``cursor`` or ``stream`` (then KEY is a Redis URL). Its effects are lines of
FOLDER/effects.jsonl, one for each event that was applied; its place is FOLDER/place, written after the effect. Started
again it goes on from there and applies no event twice, by the event's id; FOLDER/again has a byte for each that came
again. An effect takes WORK_MS, so that a kill meets the reader at work. Standard library only, but for Redis.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

PAUSE_S = 0.05
SILENCE_S = 20.0


class Effects:
    """What was done for good, and where the reader stands."""

    def __init__(self, folder: Path, work_s: float = 0.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._work_s = work_s
        self._place = folder / "place"
        self._again = (folder / "again").open("ab", buffering=0)
        path = folder / "effects.jsonl"
        done = path.read_bytes() if path.exists() else b""
        whole = done[: done.rfind(b"\n") + 1]  # what was cut off in mid-line never happened
        self._seen = {json.loads(line)["id"] for line in whole.splitlines()}
        self._file: IO[bytes] = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._file.truncate(len(whole))
        self._file.seek(len(whole))

    @property
    def place(self) -> int:
        return int(self._place.read_text()) if self._place.exists() else 0

    def apply(self, body: bytes) -> int:
        """Once for each id, whatever comes again; gives the event's number."""
        event = json.loads(body)
        if event["id"] not in self._seen:
            self._file.write(body + b"\n")
            self._seen.add(event["id"])
            time.sleep(self._work_s)
        else:
            self._again.write(b".")
        return int(event["sequence"])

    def keep(self, place: int) -> None:
        fresh = self._place.with_suffix(".new")
        fresh.write_text(str(place))
        os.replace(fresh, self._place)


class Api:
    """The orders API of whichever replica answers."""

    def __init__(self, urls: list[str], key: str) -> None:
        self._urls = urls
        self._key = key
        self._turn = os.getpid()  # not all at the same replica

    def open(self, method: str, path: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
        """The answer; the next replica when there is none. Raises OSError."""
        self._turn += 1
        place = urlsplit(self._urls[self._turn % len(self._urls)])
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=SILENCE_S)
        sent = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json", **headers}
        connection.request(method, path, json.dumps(body) if body is not None else None, sent)
        answer = connection.getresponse()
        if answer.status in (429, 503):
            time.sleep(float(answer.headers.get("Retry-After") or 1))
            raise ConnectionError(answer.status)
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.read()!r}")
        return answer


def events_of(answer: http.client.HTTPResponse) -> list[bytes]:
    """Bodies of a page: made again from what was parsed, as RFC 8785 has it."""
    events = json.loads(answer.read())["events"]
    return [json.dumps(event, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() for event in events]


def sse(api: Api, branch: str, effects: Effects) -> Iterator[None]:
    """One stream until it ends."""
    answer = api.open("GET", f"/v1/branches/{branch}/events/stream", **{"Last-Event-ID": str(effects.place)})
    fields: dict[bytes, bytes] = {}
    for line in answer:
        name, _, value = line.rstrip(b"\r\n").partition(b": ")
        if name:
            fields[name] = value
        else:
            if b"id" in fields:
                effects.keep(effects.apply(fields[b"data"]))
            elif b"event" in fields:
                raise SystemExit(f"{fields!r}")
            fields = {}
            yield


def pull(api: Api, branch: str, effects: Effects) -> Iterator[None]:
    """A page behind the place that we keep."""
    bodies = events_of(api.open("GET", f"/v1/branches/{branch}/events?after={effects.place}&limit=50"))
    for body in bodies:
        effects.keep(effects.apply(body))
    time.sleep(0 if bodies else PAUSE_S)
    yield


def cursor(api: Api, branch: str, effects: Effects) -> Iterator[None]:
    """A page behind the place that they keep."""
    path = f"/v1/branches/{branch}/cursors/bench"
    bodies = events_of(api.open("GET", f"{path}/events?limit=50"))
    last = [effects.apply(body) for body in bodies][-1:]
    for sequence in last:
        api.open("POST", f"{path}/acknowledge", {"sequence": sequence}).read()
    time.sleep(0 if bodies else PAUSE_S)
    yield


def stream(url: str, branch: str, effects: Effects) -> None:
    """A consumer group on the branch's Redis stream."""
    import redis

    name, group, me = f"agiza:orders:{branch}", "bench", "consumer"
    with redis.Redis.from_url(url, socket_timeout=SILENCE_S) as client:
        after = "0"  # first what was given to us before and not acknowledged
        while True:
            found: Any = client.xreadgroup(group, me, {name: after}, count=50, block=500)
            entries = found[0][1] if found else []
            for id, fields in entries:
                effects.apply(fields[b"event"])
                client.xack(name, group, id)
            if not entries:
                after = ">"


def main(form: str, folder: str, branch: str, work_ms: str, key: str, *urls: str) -> None:
    """Read for ever."""
    effects = Effects(Path(folder), float(work_ms) / 1000)
    if form == "stream":
        stream(key, branch, effects)
        return
    api = Api(list(urls), key)
    read = {"sse": sse, "pull": pull, "cursor": cursor}[form]
    while True:
        try:
            for _ in read(api, branch, effects):
                pass
        except (OSError, http.client.HTTPException):
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
