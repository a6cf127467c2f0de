"""The proof of a feed: nothing can be lost, added, swapped or changed without another digest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.contracts.events import EVENTS
from agiza.contracts.feed_digest import NOTHING, canonical_json, chain

BODIES = st.lists(st.binary(max_size=40), min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ_09", max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(BODIES, st.data())
def test_any_harm_is_found(bodies: list[bytes], data: st.DataObject) -> None:
    digest = chain(NOTHING, bodies)
    at = data.draw(st.integers(0, len(bodies) - 1))
    other = data.draw(st.binary(max_size=40))
    to = data.draw(st.integers(0, len(bodies) - 1))
    swapped = [*bodies]
    swapped[at], swapped[to] = swapped[to], swapped[at]
    for harmed in (
        bodies[:at] + bodies[at + 1 :],
        [*bodies[:at], other, *bodies[at:]],
        [*bodies[:at], other, *bodies[at + 1 :]],
        [*bodies[:at], b"".join(bodies[at : at + 2]), *bodies[at + 2 :]],
        swapped,
    ):
        assert (chain(NOTHING, harmed) == digest) == (harmed == bodies)


@given(BODIES, st.integers(0, 12))
def test_chain_can_be_gone_on_with(bodies: list[bytes], at: int) -> None:
    assert chain(chain(NOTHING, bodies[:at]), bodies[at:]) == chain(NOTHING, bodies)


def test_chain_is_the_one_that_is_documented() -> None:
    end = bytes(32)
    for body in (b"a", b"b"):
        end = hashlib.sha256(end + hashlib.sha256(body).digest()).digest()
    assert chain(NOTHING, [b"a", b"b"]) == end
    assert chain(NOTHING, []) == bytes(32)


@given(VALUES)
def test_bytes_are_those_of_rfc_8785(value: Any) -> None:
    """For what events are made of: whole numbers, and names in ASCII, whose order is the same in UTF-16."""
    plain = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert canonical_json(value) == plain
    assert canonical_json(json.loads(canonical_json(value))) == plain, "whoever parsed it can make the bytes again"


def test_no_event_of_the_feed_has_a_number_that_is_not_whole() -> None:
    """Fractions are written differently by different languages: the digest of a reader would never be ours."""
    numbered = [event for event in EVENTS if event.type.startswith("agiza.order.")]
    assert numbered
    for event in numbered:
        assert '"number"' not in json.dumps(event.model_json_schema()), event.type


def test_example_of_the_page_computes_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "feed.md").read_text()
    example = page.partition("```python\n")[2].partition("```")[0]
    events = [{"sequence": str(number), "data": {"b": ["é", None], "a": number}} for number in range(1, 4)]
    exec(compile(example, "docs/feed.md", "exec"), {"events": events})
    assert capsys.readouterr().out.strip() == chain(NOTHING, map(canonical_json, events)).hex()
