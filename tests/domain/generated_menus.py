"""Branch documents that nobody has thought of: small, valid, with everything that the file format knows.

Option ids are unique over the whole document, so that an id never needs words to be told from another; a group that
several options open makes the same ids stand at several depths all the same.
"""

from typing import Any

from hypothesis import strategies as st

Doc = dict[str, Any]

PRICES = st.sampled_from([0, 0, 1, 99, 333, 5_000])
OPTION_PRICES = st.sampled_from([0, 1, 7, 250, 1_000, -1, -50])


@st.composite
def menus(draw: st.DrawFn) -> Doc:
    """A whole branch document. Limits are so wide that only the menu decides what can be ordered."""
    taxes = draw(_taxes())
    leaves = [draw(_group(f"leaf{n}", ())) for n in range(draw(st.integers(1, 3)))]
    mids = [draw(_group(f"mid{n}", tuple(leaf["id"] for leaf in leaves))) for n in range(draw(st.integers(0, 2)))]
    plain = [*leaves, *mids]
    dishes = [draw(_item(f"dish{n}", plain, taxes)) for n in range(draw(st.integers(1, 3)))]
    parts = [draw(_parts(f"part{n}", dishes, leaves)) for n in range(draw(st.integers(1, 2)))]
    # "make it a meal": an option of a dish of its own that opens groups of parts
    meal = draw(_group("meal", tuple(part["id"] for part in parts)))
    # the first combo always brings a part
    combos = [
        draw(_item(f"combo{n}", [*parts, *plain, meal], taxes, first=None if n else parts[0]))
        for n in range(draw(st.integers(1, 2)))
    ]
    groups = {
        group["id"]: {key: value for key, value in group.items() if key != "id"} for group in (*plain, *parts, meal)
    }
    return {
        "branch": _branch(draw(st.sampled_from(["KES", "UGX", "KWD"])), taxes, draw(st.booleans())),
        "groups": groups,
        "categories": [
            {"id": "dishes", "name": "Dishes", "items": dishes},
            {"id": "combos", "name": "Combos", "items": combos},
        ],
    }


def _branch(currency: str, taxes: Any, delivers: bool) -> Doc:
    return {
        "id": "generated",
        "name": "Generated",
        "phone": "+254709000009",
        "timezone": "Africa/Nairobi",
        "currency": currency,
        "languages": ["en", "sw"],
        "hours": "00:00-24:00",
        "tax": taxes,
        "fulfilment": ["pickup", "delivery"] if delivers else ["pickup"],
        **({"delivery": {"fee_minor": 777, "minimum_minor": 0}} if delivers else {}),
        "limits": {"line_quantity_max": 1_000, "order_total_max_minor": 1_000_000_000, "lines_max": 100},
        "staff": [
            {"id": "front", "name": "Front", "phone": "+254700000001", "order": 1, "hours": "00:00-24:00"}
            | {"languages": ["en"]}
        ],
    }


@st.composite
def _taxes(draw: st.DrawFn) -> Any:
    rates = st.sampled_from([0, 1, 200, 800, 1_600, 3_333])
    if draw(st.booleans()):
        return {"name": "VAT", "rate_bp": draw(rates), "included": draw(st.booleans())}
    return [
        {"id": f"tax{n}", "name": f"Tax {n}", "rate_bp": draw(rates), "included": draw(st.booleans())}
        | ({"usual": False} if n == 2 else {})
        for n in range(draw(st.integers(1, 3)))
    ]


@st.composite
def _group(draw: st.DrawFn, group_id: str, opens: tuple[str, ...]) -> Doc:
    """A group of up to three options; some of them may open others."""
    options: list[Doc] = []
    for n in range(draw(st.sampled_from([1, 2, 3, 3]))):
        option: Doc = {"id": f"{group_id}-{n}", "name": f"{group_id} {n}", "price_minor": draw(OPTION_PRICES)}
        inner = draw(_uses(opens)) if opens and draw(st.booleans()) else []
        if inner:
            option |= {"groups": inner, "quantity_max": 1}
        elif draw(st.booleans()):
            option["quantity_max"] = draw(st.integers(1, 2))
        options.append(option)
    rules = draw(_rules([option["id"] for option in options]))
    return {"id": group_id, "name": group_id, "options": options, "quantity_max": draw(st.integers(1, 2)), **rules}


@st.composite
def _rules(draw: st.DrawFn, ids: list[str]) -> Doc:
    most = min(draw(st.sampled_from([1, 2, 2])), len(ids))
    least = draw(st.integers(0, most))
    default = draw(st.lists(st.sampled_from(ids), min_size=least, max_size=most, unique=True))
    return {"min": least, "max": most, **({"default": default} if default and draw(st.booleans()) else {})}


@st.composite
def _uses(draw: st.DrawFn, group_ids: tuple[str, ...]) -> list[Any]:
    return draw(st.lists(st.sampled_from(group_ids), max_size=2, unique=True))


@st.composite
def _parts(draw: st.DrawFn, group_id: str, dishes: list[Doc], leaves: list[Doc]) -> Doc:
    """A group whose options bring dishes, with the dish's own choices or with others."""
    options: list[Doc] = []
    for n in range(draw(st.integers(1, 2))):
        option: Doc = {
            "id": f"{group_id}-{n}",
            "name": f"{group_id} {n}",
            "item": draw(st.sampled_from(dishes))["id"],
            "price_minor": draw(OPTION_PRICES),
            "quantity_max": 1,
        }
        if draw(st.booleans()):
            option["groups"] = draw(_uses(tuple(leaf["id"] for leaf in leaves)))
        options.append(option)
    rules = draw(_rules([option["id"] for option in options]))
    return {"id": group_id, "name": group_id, "options": options, **rules}


@st.composite
def _item(draw: st.DrawFn, item_id: str, groups: list[Doc], taxes: Any, first: Doc | None = None) -> Doc:
    """An item with up to two groups, one of them perhaps with limits of its own; `first` is one that it must have."""
    uses: list[Any] = []
    others = [group for group in groups if group is not first]
    drawn = draw(
        st.lists(st.sampled_from(others), max_size=2 - (first is not None), unique_by=lambda group: group["id"])
    )
    for group in [*([first] if first is not None else []), *drawn]:
        if draw(st.booleans()):
            uses.append(group["id"])
            continue
        rules = draw(_rules([option["id"] for option in group["options"]]))
        uses.append({"id": group["id"], "default": rules.pop("default", []), **rules})
    item: Doc = {
        "id": item_id,
        "name": item_id,
        "kitchen": item_id.upper(),
        # dear enough that no choice makes it cost less than nothing
        "price_minor": 1_000 + draw(PRICES),
        "groups": uses,
    }
    if isinstance(taxes, list) and draw(st.booleans()):
        item["taxes"] = draw(st.lists(st.sampled_from([tax["id"] for tax in taxes]), unique=True))
    return item
