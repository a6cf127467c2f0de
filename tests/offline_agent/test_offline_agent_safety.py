"""What holds for any caller: nothing raises, everything is answered, and no order without a yes to its read-back."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline_menus import GREEDY_WORDS, PIZZERIA, setup_of, westlands
from offline_orders import Call

from simulators.live_api.offline import (
    AgentInput,
    AgentSetup,
    CallStarted,
    Heard,
    Interrupted,
    OfflineAgent,
    Silence,
    ToolResult,
    ToolResults,
)
from simulators.live_api.offline.intents import ActKind, AskAbout, PersonReason
from simulators.live_api.offline.phases import REACTIONS, Move, Phase, Reaction
from simulators.live_api.offline.phrases import PHRASES
from simulators.live_api.offline.reactions import Reactions
from simulators.live_api.offline.utterance import Utterance

MENUS = {"grill": westlands(), "pizzeria": PIZZERIA}
SETUPS = {name: setup_of(document) for name, document in MENUS.items()}

utterances = st.one_of(
    st.lists(st.sampled_from(GREEDY_WORDS), min_size=1, max_size=14).map(" ".join),
    st.text(max_size=60),
)
hearings = st.builds(Heard, utterances, st.lists(utterances, max_size=2).map(tuple), st.booleans())
events: st.SearchStrategy[AgentInput] = st.one_of(
    hearings, hearings, hearings, st.builds(Silence, st.just(8.0)), st.builds(Interrupted, st.just("That is"))
)
json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)
responses = st.fixed_dictionaries(
    {},
    optional={
        "status": st.one_of(st.sampled_from(("ok", "ask", "refused", "error")), json_like),
        "code": st.one_of(st.sampled_from(("confirm_again", "stale_cart", "quote_outdated")), json_like),
        "message": st.one_of(st.just("What is the address?"), json_like),
        "options": json_like,
        "lines": json_like,
        "cart": st.one_of(json_like, st.fixed_dictionaries({"lines": json_like})),
        "line": json_like,
        "matches": json_like,
        "blocked": json_like,
    },
)
TOOLS = sorted(str(declaration["name"]) for declaration in SETUPS["grill"].declarations)
tool_results = st.lists(st.builds(ToolResult, st.sampled_from(TOOLS), responses), max_size=3).map(
    lambda results: ToolResults(tuple(results))
)


@given(st.sampled_from(sorted(MENUS)), st.lists(events, max_size=12))
def test_no_order_without_a_read_back_and_a_yes_behind_it(menu: str, talk: list[AgentInput]) -> None:
    """The words may be anything; the order that is placed is always the one that was read back before the yes."""
    call = Call(SETUPS[menu], MENUS[menu]).start()
    read_back_version: int | None = None
    for event in talk:
        placed, seen = len(call.orders.placed), len(call.orders.calls)
        heard_in = call.agent.phase
        version = call.orders.version
        call.give(event)
        names = [request.name for request in call.orders.calls[seen:]]
        if "placeOrder" in names:
            assert heard_in is Phase.READ_BACK
            assert read_back_version == version, "the cart was read back as it stood"
            assert isinstance(event, Heard)
            assert _says_yes(event)
        if len(call.orders.placed) > placed:
            read_back_version = None
        if "getTotal" in names and call.agent.phase is Phase.READ_BACK:
            read_back_version = call.orders.version


def _says_yes(event: Heard) -> bool:
    said = " ".join((event.text, *event.alternatives)).lower()
    words = [" ".join(words) for words, kind in PHRASES.items() if kind == "act:yes"]
    return any(word in said.replace("'", "") for word in words)


@given(
    st.sampled_from(sorted(MENUS)),
    st.lists(
        st.one_of(
            events,
            tool_results,
        ),
        max_size=14,
    ),
)
def test_no_words_and_no_answer_can_break_it(menu: str, talk: list[AgentInput]) -> None:
    agent = OfflineAgent(SETUPS[menu])
    agent.handle(CallStarted())
    for event in talk:
        assert isinstance(agent.handle(event), list)


@given(st.lists(events, max_size=8))
def test_equal_calls_are_answered_equally(talk: list[AgentInput]) -> None:
    calls = [Call(SETUPS["grill"], MENUS["grill"]).start() for _ in range(2)]
    for event in talk:
        assert calls[0].give(event) == calls[1].give(event)
    assert calls[0].orders.calls == calls[1].orders.calls


@given(st.text(max_size=300), utterances)
def test_any_setup_message_can_be_served(instruction: str, said: str) -> None:
    agent = OfflineAgent(AgentSetup(instruction, [{"name": "addItem", "parameters": {"properties": instruction}}]))
    agent.handle(CallStarted())
    assert isinstance(agent.handle(Heard(said)), list)


def test_every_move_has_a_reaction_in_every_phase() -> None:
    for phase in Phase:
        assert set(REACTIONS[phase]) == set(get_args(Move))


def test_every_reaction_is_known_and_used() -> None:
    named = {reaction for moves in REACTIONS.values() for reaction in moves.values()}
    assert named == set(get_args(Reaction))


def test_the_phrases_name_only_known_moves() -> None:
    kinds = {"act": set(get_args(ActKind)), "ask": set(get_args(AskAbout)), "person": set(get_args(PersonReason))}
    for kind in set(PHRASES.values()):
        group, _, name = kind.partition(":")
        assert not name or name in kinds[group]


@pytest.mark.parametrize("phase", [Phase.HANDED_OVER, Phase.ENDED])
def test_after_the_call_there_is_silence(phase: Phase) -> None:
    call = Call(SETUPS["grill"], MENUS["grill"]).start()
    call.hear("can i speak to a person" if phase is Phase.HANDED_OVER else "goodbye")
    assert call.agent.phase is phase
    assert call.give(Heard("two chicken burgers")) == []
    assert call.give(Silence(60)) == []


def test_every_reaction_has_a_method() -> None:
    call = Call(SETUPS["grill"], MENUS["grill"])
    reactions = Reactions(call.agent._dialogue)
    assert set(reactions._by_name) == set(get_args(Reaction))
    assert Utterance("", ()).move == "unclear"
