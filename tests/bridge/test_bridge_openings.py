"""How a leg begins: what orders says of the cart, and what the agent's first words are made of it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from agiza.runtime.branch_files import load_branch_files
from services.bridge.menu_cache import setup_of
from services.bridge.openings import ANEW, Opening, Openings
from services.bridge.session import CallFacts

(WESTLANDS,) = [
    loaded.file
    for loaded in load_branch_files(Path(__file__).parents[2] / "branches")
    if loaded.file.branch.id == "westlands"
]
CART = {"resumed": "leg", "cart_version": 2, "lines": "two teas", "total": "two hundred shillings", "placed": [7]}


def facts(epoch: int = 0) -> CallFacts:
    return CallFacts("HD_call01", "westlands", 1, epoch, "en")


async def asked(answer: httpx.Response | Exception, epoch: int = 0) -> tuple[Opening, httpx.Request]:
    requests: list[httpx.Request] = []

    def orders(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(orders), base_url="http://orders") as http:
        opening = await Openings(http).of(facts(epoch))
    return opening, requests[0]


async def test_orders_is_asked_for_just_this_leg() -> None:
    opening, request = await asked(httpx.Response(200, json=CART), epoch=2)
    assert request.url.path == "/internal/calls/HD_call01/open"
    assert json.loads(request.content) == {"branch_id": "westlands", "leg_epoch": 2, "language": "en"}
    assert (opening.resumed, opening.lines, opening.placed) == ("leg", "two teas", (7,))


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(503),
        httpx.Response(404),
        httpx.Response(200, text="no json"),
        httpx.Response(200, json={"resumed": "somehow"}),
        httpx.ReadTimeout("late"),
        httpx.ConnectError("refused"),
    ],
    ids=["503", "404", "no json", "other words", "late", "refused"],
)
async def test_without_an_answer_the_leg_begins_all_the_same(trouble: httpx.Response | Exception) -> None:
    assert (await asked(trouble))[0] == ANEW
    # A caller who was greeted on the leg before is not greeted again.
    assert (await asked(trouble, epoch=1))[0].resumed == "leg"


def test_first_leg_greets_and_says_nothing_of_a_time_before() -> None:
    setup = setup_of(WESTLANDS, "en")
    assert "automated assistant" in setup.opening
    assert setup.instruction.rstrip().endswith("END OF MENU")


def test_next_leg_does_not_greet_again_and_knows_the_cart() -> None:
    setup = setup_of(WESTLANDS, "en", Opening.model_validate(CART))
    assert setup.opening == (
        "[The caller is on the line. Say: Sorry, the line broke off for a moment. "
        "So far I have two teas. Shall we go on with it?]"
    )
    earlier = setup.instruction.partition("END OF MENU")[2]
    assert "two teas; two hundred shillings" in earlier
    assert "order 7" in earlier


@pytest.mark.parametrize(("language", "disclosure"), [("en", "automated assistant"), ("sw", "msaidizi wa kompyuta")])
@pytest.mark.parametrize("resumed", ["ring_back", "redial"])
def test_new_call_says_that_an_automated_assistant_speaks(resumed: str, language: str, disclosure: str) -> None:
    setup = setup_of(WESTLANDS, language, Opening.model_validate(CART | {"resumed": resumed}))
    assert disclosure in setup.opening
    assert "two teas" in setup.opening
    assert setup.opening.count("?") == 1, "one question at a time"
    assert sum(setup.opening.count(hello) for hello in ("Hello", "Habari")) == 1, "one greeting"
    assert setup.opening.count(WESTLANDS.branch.name) == 1


@pytest.mark.parametrize("language", ["en", "sw"])
def test_without_lines_the_caller_is_asked_what_they_would_like(language: str) -> None:
    for resumed in ("leg", "ring_back", "redial"):
        setup = setup_of(WESTLANDS, language, Opening.model_validate({"resumed": resumed}))
        assert setup.opening.endswith(("What would you like?]", "Ungependa nini?]"))


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Your order number is seven. Is there anything else?]"), ("sw", "Namba ya oda yako ni 7. Kuna kingine?]")],
)
def test_who_was_cut_off_after_the_order_is_told_its_number(language: str, words: str) -> None:
    """It was committed, and whether the caller still heard of it nobody can tell."""
    setup = setup_of(WESTLANDS, language, Opening.model_validate({"resumed": "leg", "placed": [3, 7]}))
    assert setup.opening.endswith(words)


def test_who_rings_again_is_welcomed_back() -> None:
    setup = setup_of(WESTLANDS, "en", Opening.model_validate(CART | {"resumed": "redial"}))
    assert setup.opening == (
        "[The caller is on the line. Say: Hello and welcome back, this is the automated assistant of Tamu Grill "
        "Westlands. So far I have two teas. Shall we go on with it?]"
    )
