"""A caller who asks for Swahili in the middle of a call, and back again, through all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import redis

from agiza.contracts.streams import session_key

if TYPE_CHECKING:
    from e2e_system import System

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(400)]


def turns_after(transcript: Any, words: str) -> str:
    """The agent's turn that follows these words of the caller."""
    at = next(at for at, turn in enumerate(transcript) if turn["who"] == "caller" and words in turn["text"].lower())
    return next(turn["text"] for turn in transcript[at + 1 :] if turn["who"] == "agent")


def test_the_agent_follows_the_caller_from_one_language_to_the_other(system: System) -> None:
    request = system.request(
        "a large fries please", "Tafadhali ongea Kiswahili", "hayo tu", "ndio", text=True, from_number="+254711000031"
    )
    placed = system.run(system.call(request))
    said = placed.result.transcript
    assert said[0]["text"].startswith("Hello"), "the branch's first language"
    assert turns_after(said, "kiswahili").startswith("Sawa, tuendelee kwa Kiswahili. Kuna kingine?")
    assert [tool["name"] for tool in placed.result.tool_calls].count("switchLanguage") == 1
    read_back = turns_after(said, "hayo tu")
    assert "fries kubwa moja" in read_back, read_back
    assert "Jumla ni shilingi mia tatu na thelathini" in read_back
    assert "Namba ya oda yako ni" in turns_after(said, "ndio")
    assert placed.result.order is not None
    assert placed.result.order["total_minor"] == 33_000
    with redis.Redis.from_url(system.stack.redis_url, decode_responses=True) as client:
        assert client.hget(session_key(placed.result.call_id), "language") == "sw"
    endpoints = system.stack.endpoints
    record = httpx.get(
        f"{endpoints.webhook_url}/v1/calls/{placed.result.call_id}",
        headers={"authorization": f"Bearer {endpoints.internal_token}"},
        trust_env=False,
    ).json()
    assert record["language"] == "sw", "and so the next leg, and whoever rings back"


def test_a_person_hears_of_the_language_and_the_caller_is_told_in_it(system: System) -> None:
    request = system.request(
        "Tafadhali ongea Kiswahili", "nataka kuongea na mtu", text=True, from_number="+254711000032"
    )
    placed = system.run(system.call(request))
    assert placed.result.outcome == "handoff"
    told = turns_after(placed.result.transcript, "na mtu")
    assert "ninakuunganisha" in told.lower() or "ninampigia" in told.lower(), told
