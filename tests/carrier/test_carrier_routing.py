"""Routing a number at a carrier whose spelling of the request is unknown beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.carrier.errors import Refused, Unreachable
from agiza.carrier.routing import (
    DIALECTS,
    NotRouted,
    OwnNumber,
    Routed,
    Routing,
    RoutingDialect,
    read_numbers,
    route,
)

VOICE = "https://orders.example.co.ke/carrier/secret-path/voice"
WANTED = Routing(VOICE, VOICE)
OLD = Routing("https://old.example/voice", "https://old.example/events")
NUMBER = OwnNumber("3e1b", "+254709000002", "active", OLD)


@dataclass
class Workspace:
    """One number. `takes` is the spelling that works; the others are refused with `status`, or swallowed by None."""

    takes: RoutingDialect | None
    status: int | None = 404
    number: OwnNumber = NUMBER
    asked: list[RoutingDialect] = field(default_factory=list)

    async def numbers(self) -> tuple[OwnNumber, ...]:
        return (replace(self.number, number_id="other"), self.number)

    async def set_routing(self, number_id: str, routing: Routing, dialect: RoutingDialect) -> None:
        assert number_id == self.number.number_id
        self.asked.append(dialect)
        if dialect == self.takes:
            self.number = replace(self.number, routing=routing)
        elif self.status is not None:
            raise Refused("refused", self.status)


@pytest.mark.parametrize("takes", DIALECTS, ids=str)
@pytest.mark.parametrize("status", [400, 404, 405, 422, None])
async def test_the_spelling_that_reads_back_is_found(takes: RoutingDialect, status: int | None) -> None:
    workspace = Workspace(takes, status)
    assert await route(workspace, NUMBER, WANTED) == Routed(takes, OLD)
    assert workspace.number.routing == WANTED
    assert workspace.asked == list(DIALECTS[: DIALECTS.index(takes) + 1]), "no request after the one that worked"


async def test_what_is_right_already_is_not_touched() -> None:
    workspace = Workspace(None, number=replace(NUMBER, routing=WANTED))
    assert await route(workspace, workspace.number, WANTED) == Routed(None, WANTED)
    assert workspace.asked == []


@pytest.mark.parametrize("status", [404, None])
async def test_a_carrier_that_takes_no_spelling_is_told_of_with_all_of_them(status: int | None) -> None:
    with pytest.raises(NotRouted) as caught:
        await route(Workspace(None, status), NUMBER, WANTED)
    assert len(caught.value.tried) == len(DIALECTS)
    assert ("HTTP 404" if status else "reads back unchanged") in caught.value.tried[0]
    assert "secret-path" not in str(caught.value), "the path is what keeps strangers out"


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_key_that_may_not_is_no_question_of_spelling(status: int) -> None:
    workspace = Workspace(None, status)
    with pytest.raises(Refused):
        await route(workspace, NUMBER, WANTED)
    assert len(workspace.asked) == 1


async def test_a_carrier_that_takes_only_half_is_asked_on() -> None:
    class Half(Workspace):
        async def set_routing(self, number_id: str, routing: Routing, dialect: RoutingDialect) -> None:
            self.asked.append(dialect)
            self.number = replace(self.number, routing=Routing(routing.voice_callback_url, OLD.events_url))

    workspace = Half(None)
    with pytest.raises(NotRouted, match="only in part"):
        await route(workspace, NUMBER, WANTED)
    assert len(workspace.asked) == len(DIALECTS)


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "n1", "e164": "+254709000002", "voice_callback_url": VOICE, "events_url": VOICE, "status": "active"},
        {"id": "n1", "number": "+254709000002", "status": "active", "voice_url": VOICE, "events_url": VOICE},
        {
            "id": "n1",
            "e164": "+254709000002",
            "status": "active",
            "routing": {"routing_url": VOICE, "events_url": VOICE},
        },
    ],
)
def test_numbers_are_read_in_every_spelling(entry: dict[str, object]) -> None:
    for name in ("numbers", "data"):
        assert read_numbers({name: [entry]}) == (OwnNumber("n1", "+254709000002", "active", WANTED),)


def test_a_number_without_routing_has_none() -> None:
    [number] = read_numbers({"numbers": [{"id": "n1", "e164": "+254709000002", "voice_callback_url": "", "x": 1}]})
    assert number.routing == Routing(None, None)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "e164", "routing"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["numbers", "data", "x"]), _JSON))
def test_whatever_the_carrier_lists_is_read_or_refused(answer: dict[str, object]) -> None:
    try:
        numbers = read_numbers(answer)
    except Unreachable:
        return
    assert all(isinstance(number.e164, str) and number.number_id for number in numbers)
