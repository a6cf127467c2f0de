"""Redis or Valkey: whether it answers, is new enough, and keeps what it is given; and the dial switch in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import redis.asyncio as redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from agiza.cli.doctor.findings import Finding, failure, ok, warning
from agiza.contracts.streams import DIAL_SWITCH

SUBJECT: Final = "Redis"
TIMEOUT_S: Final = 3.0
VERSION_MIN: Final = (7, 0)


@dataclass(frozen=True, slots=True)
class Seen:
    """``about`` is its INFO, None when this login may not ask. ``switch`` is "hidden" likewise."""

    about: Mapping[str, Any] | None
    switch: str | None


async def look(url: str | None) -> list[Finding]:
    """Version, keeping and switch."""
    if url is None:
        return [failure(SUBJECT, "REDIS_URL is not set", "set it to one of the services' users, or an administrator's")]
    try:
        seen = await _ask(url)
    except AuthenticationError:
        return [failure(SUBJECT, "does not let us in (wrong user or password)", "look at REDIS_URL")]
    except (RedisError, ValueError) as error:
        return [failure(SUBJECT, f"does not answer ({type(error).__name__})", "look at REDIS_URL and at the server")]
    return judge(seen)


async def _ask(url: str) -> Seen:
    client: redis.Redis = redis.Redis.from_url(
        url, decode_responses=True, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    )
    try:
        await client.ping()
        try:
            about: Mapping[str, Any] | None = await client.info()
        except NoPermissionError:
            about = None
        try:
            switch: str | None = await client.get(DIAL_SWITCH)
        except NoPermissionError:
            switch = "hidden"
        return Seen(about, switch)
    finally:
        await client.aclose()


def judge(seen: Seen) -> list[Finding]:
    """What INFO and the switch say."""
    return [*_judge_server(seen.about), _judge_switch(seen.switch)]


def _judge_server(about: Mapping[str, Any] | None) -> list[Finding]:
    if about is None:
        return [
            warning(SUBJECT, "answers, but this user may not ask for more", "use an administrator's REDIS_URL once")
        ]
    name, version = ("Valkey", about["valkey_version"]) if "valkey_version" in about else ("Redis", _text(about))
    numbers = tuple(int(part) for part in re.findall(r"\d+", str(version))[:2])
    findings = [
        ok(SUBJECT, f"{name} {version}")
        if numbers >= VERSION_MIN
        else failure(SUBJECT, f"{name} {version}", "move to Redis 7.0 or later, or to Valkey")
    ]
    policy = str(about.get("maxmemory_policy", "unknown"))
    if policy != "noeviction":
        mend = "set maxmemory-policy noeviction: a full server must refuse, not forget calls"
        is_limited = bool(about.get("maxmemory"))
        findings.append((failure if is_limited else warning)("Redis eviction", policy, mend))
    else:
        findings.append(ok("Redis eviction", policy))
    if about.get("aof_enabled"):
        findings.append(ok("Redis persistence", "append-only file"))
    else:
        mend = "set appendonly yes: a restart forgets events on their way, users and the dial switch"
        findings.append(warning("Redis persistence", "no append-only file", mend))
    return findings


def _text(about: Mapping[str, Any]) -> str:
    return str(about.get("redis_version", "0"))


def _judge_switch(switch: str | None) -> Finding:
    if switch == "off":
        return warning("dial switch", "off: nobody is rung", "run agiza dial on when people may be rung again")
    if switch == "hidden":
        return warning("dial switch", "not visible to this user", "use the webhook's or an administrator's REDIS_URL")
    return ok("dial switch", "on")
