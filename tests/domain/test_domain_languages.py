"""What the rules say, in every language: the tables are whole, and nothing but the words depends on the language."""

import json
import re
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from domain_scenario import Call
from hypothesis import given
from hypothesis import strategies as st
from test_domain_get_total import seed_order

from agiza.domain.money_sw import amount_in_swahili, number_in_swahili
from agiza.domain.orders import OrderState
from agiza.domain.replies import option_name
from agiza.domain.said import TABLES, Said, in_language, said
from agiza.domain.tool_calls import tool_result

DOMAIN = Path(__file__).parents[2] / "agiza" / "domain"
SOURCES = [*DOMAIN.glob("*.py"), DOMAIN.parents[1] / "services" / "orders" / "handler.py"]
SPOKEN_IN_ENGLISH_ONLY = {"hours", "opening"}


def parts_of(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("language", sorted(TABLES))
def test_every_sentence_is_there_with_its_parts(language: str) -> None:
    table, english = TABLES[language], TABLES["en"]
    assert set(table) == set(english)
    for key, template in table.items():
        assert parts_of(english[key]) - parts_of(template) <= SPOKEN_IN_ENGLISH_ONLY, key
        assert parts_of(template) <= parts_of(english[key]), f"{key} has a part that nobody gives"
        if not template.endswith("}"):  # where a question of its own may stand behind
            assert (template[-1] == "?") is (english[key][-1] == "?"), f"{key}: a question stays a question"


def test_no_sentence_is_left_over_or_missing() -> None:
    text = "\n".join(path.read_text() for path in SOURCES if not path.name.startswith("sentences_"))
    states = {f"state_{state.value}" for state in OrderState}
    assert set(re.findall(r'said\(\s*"([a-z_]+)"', text)) | states <= set(TABLES["en"])
    assert set(TABLES["en"]) - states <= set(re.findall(r'"([a-z_]+)"', text)), "nothing says it any more"


def in_swahili(call: Call, tool: str, /, **args: Any) -> dict[str, Any]:
    call.set(language="sw")
    return tool_result(call.tool(tool, **args), call.context)


def test_the_reference_ticket_is_read_back_in_swahili() -> None:
    total = in_swahili(seed_order(), "getTotal")
    assert total["lines"] == [
        "chicken burger moja",
        "chicken burger moja, bila vitunguu",
        "fries kubwa moja",
        "soda moja",
    ]
    assert (
        total["read_back"]
        == total["message"]
        == (
            "Oda yako ni chicken burger moja, chicken burger moja, bila vitunguu, fries kubwa moja, na soda moja,"
            " utaichukua mwenyewe. Jumla ni shilingi elfu moja mia tano na thelathini. Niweke oda?"
        )
    )
    assert total["total_words"] == "shilingi elfu moja mia tano na thelathini"
    assert total["total_minor"] == 153_000
    assert total["cart"]["lines"][2]["spoken"] == "one large fries", "the cart is for the model and for screens"


def test_the_order_is_confirmed_in_swahili() -> None:
    call = seed_order()
    call.read()
    placed = in_swahili(call, "placeOrder")
    assert placed["message"] == (
        "Asante. Namba ya oda yako ni kumi na saba, na itakuwa tayari baada ya dakika ishirini hivi."
    )
    assert in_swahili(call, "orderStatus")["message"] == (
        "Oda namba kumi na saba imetumwa jikoni, na itachukua kama dakika ishirini zaidi."
    )


def test_a_question_and_a_refusal_in_swahili() -> None:
    call = Call()
    asked = in_swahili(call, "addItem", name="soda", modifiers=["large", "small"])
    assert (asked["status"], asked["message"][-1]) == ("ask", "?")
    assert "kubwa" in asked["message"]
    assert in_swahili(call, "addItem", name="qqqq")["message"] == "Samahani, sioni hiyo kwenye menyu yetu."
    assert in_swahili(call, "getTotal")["message"] == "Bado hakuna kitu kwenye oda. Ungependa nini?"
    assert in_swahili(call, "nonsense")["message"] == "Samahani, siwezi kufanya hivyo."


SCRIPT: list[tuple[str, dict[str, Any]]] = [
    ("searchMenu", {}), ("searchMenu", {"query": "chicken"}), ("searchMenu", {"query": "zzz"}),
    ("addItem", {"name": "chicken burger", "quantity": 2}), ("addItem", {"name": "burger"}),
    ("addItem", {"name": "fries", "quantity": 5_000}), ("addItem", {"name": "x" * 500}), ("addItem", {}),
    ("addItem", {"name": "soda", "modifiers": ["no onions"]}), ("addItem", {"name": "coke"}),
    ("applyModifier", {"item": "chicken burger", "modifier": "no onions", "quantity": 1}),
    ("applyModifier", {"item": "chicken burger", "modifier": "no onions"}),
    ("applyModifier", {"item": "chicken burger", "modifier": "zzz"}),
    ("applyModifier", {"item": "chicken burger", "modifier": "extra cheese", "quantity": 9}),
    ("applyModifier", {"item": "fries", "modifier": "large"}), ("applyModifier", {"modifier": "large"}),
    ("removeItem", {"item": "chicken burger", "quantity": 1}), ("removeItem", {"item": "fries"}),
    ("removeItem", {"item": "chicken burger", "quantity": 9}), ("removeItem", {"line": "line-99"}),
    ("changeQuantity", {"item": "chicken burger", "quantity": 2}), ("changeQuantity", {"item": "tea", "quantity": 1}),
    ("setCustomer", {"phone": "12"}), ("setCustomer", {"fulfilment": "delivery"}), ("setCustomer", {"name": "Achieng"}),
    ("setCustomer", {"name": "Achieng"}), ("setCustomer", {"fulfilment": "by drone"}), ("getTotal", {}),
    ("setCustomer", {"address": "12 Mpaka Road", "note": "no bell"}), ("getTotal", {}), ("placeOrder", {}),
    ("setCustomer", {"fulfilment": "pickup"}), ("orderStatus", {}), ("cancelOrder", {"order": 3}), ("escalate", {}),
]  # fmt: skip


@given(st.lists(st.sampled_from(SCRIPT), min_size=1, max_size=12))
def test_only_the_words_depend_on_the_language(steps: list[tuple[str, dict[str, Any]]]) -> None:
    english, swahili = Call(), Call(language="sw")
    for tool, args in steps:
        one, other = english.call(tool, args), swahili.call(tool, args)
        assert one == other
        said_en, said_sw = tool_result(one, english.context), tool_result(other, swahili.context)
        spoken = {"message", "read_back", "total_words", "lines"}
        assert {k: v for k, v in said_en.items() if k not in spoken} == {
            k: v for k, v in said_sw.items() if k not in spoken
        }
        assert said_en["message"] != said_sw["message"]
        assert "{" not in str(said_sw["message"])
        json.dumps(said_sw)
        assert not any(isinstance(value, Said) for value in (*said_en.values(), *said_sw.values()))


def test_a_language_without_a_table_is_spoken_to_in_english() -> None:
    call = Call(language="fr")
    assert tool_result(call.tool("getTotal"), call.context)["message"] == TABLES["en"]["cart_empty"]
    assert said("cart_empty").in_language("sw-KE") == TABLES["sw"]["cart_empty"]
    assert in_language({"a": [said("which_one"), 3]}, "sw") == {"a": ["Unamaanisha ipi?", 3]}


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "sifuri"), (7, "saba"), (12, "kumi na mbili"), (20, "ishirini"), (35, "thelathini na tano"),
     (100, "mia moja"), (105, "mia moja na tano"), (530, "mia tano na thelathini"),
     (999, "mia tisa tisini na tisa"), (1_005, "elfu moja na tano"), (1_500, "elfu moja mia tano"),
     (12_000, "elfu kumi na mbili"), (10_002, "elfu kumi, na mbili"),
     (12_345_678, "milioni kumi na mbili, elfu mia tatu arobaini na tano, mia sita sabini na nane"),
     (-3, "kasoro tatu")],
)  # fmt: skip
def test_numbers_in_swahili(number: int, words: str) -> None:
    assert number_in_swahili(number) == words


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_two_numbers_never_have_the_same_words(one: int, other: int) -> None:
    assert (number_in_swahili(one) == number_in_swahili(other)) is (one == other)


def test_near_numbers_have_different_words() -> None:
    words = [number_in_swahili(n) for n in (*range(21_000), *range(99_990, 131_000), *range(999_990, 1_002_000))]
    assert len(set(words)) == len(words)


def test_amounts_in_swahili() -> None:
    assert amount_in_swahili(153_050, "KES") == "shilingi elfu moja mia tano na thelathini na senti hamsini"
    assert amount_in_swahili(50, "USD") == "senti hamsini"
    assert amount_in_swahili(0, "EUR") == "yuro sifuri"
    assert amount_in_swahili(-500, "UGX") == "kasoro shilingi mia tano"
    assert amount_in_swahili(500, "CHF") == "CHF tano"


def test_a_menu_without_swahili_names_keeps_its_own() -> None:
    call = seed_order()
    bare = replace(call.file.menu.groups["size-fries"].options[0], aliases={})
    assert option_name(bare).in_language("sw") == bare.name
