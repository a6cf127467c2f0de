"""Setup messages to test against: the first branch's, and one of quite another kind of restaurant."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from simulators.live_api.offline.turns import AgentSetup

ROOT = Path(__file__).parents[2]
REASONS = [
    "caller_asked",
    "allergy_or_medical",
    "payment",
    "complaint",
    "not_understood",
    "abuse",
    "special_request",
    "high_value",
    "order_not_accepted",
    "technical",
    "callback",
]
PIZZERIA: dict[str, Any] = {
    "branch": {
        "name": "Forno Kilimani",
        "currency": "KES",
        "languages": ["en"],
        "fulfilment": ["pickup"],
    },
    "groups": {
        "pizza-size": {
            "name": "size",
            "min": 1,
            "max": 1,
            "options": [
                {"id": "small", "name": "small", "aliases": {"en": ["nine inch"]}},
                {"id": "medium", "name": "medium", "price_minor": 30000},
                {"id": "large", "name": "large", "aliases": {"en": ["family size"]}, "price_minor": 60000},
            ],
        },
        "crust": {
            "name": "crust",
            "min": 1,
            "max": 1,
            "default": "thin",
            "options": [
                {"id": "thin", "name": "thin crust", "aliases": {"en": ["thin"]}},
                {"id": "thick", "name": "thick crust", "aliases": {"en": ["thick", "deep dish"]}},
                {
                    "id": "gluten-free",
                    "name": "gluten free crust",
                    "aliases": {"en": ["gluten free"]},
                    "price_minor": 20000,
                },
            ],
        },
        "topping": {
            "name": "topping",
            "min": 0,
            "max": 5,
            "quantity_max": 2,
            "options": [
                {
                    "id": "mushroom",
                    "name": "mushrooms",
                    "aliases": {"en": ["extra mushrooms"]},
                    "price_minor": 10000,
                },
                {"id": "olives", "name": "olives", "price_minor": 10000},
                {"id": "extra-cheese", "name": "extra cheese", "price_minor": 15000},
                {"id": "pepperoni-top", "name": "pepperoni topping", "price_minor": 15000},
            ],
        },
        "pasta-sauce": {
            "name": "sauce",
            "min": 1,
            "max": 1,
            "options": [
                {"id": "bolognese", "name": "bolognese"},
                {"id": "pesto", "name": "pesto"},
                {"id": "arrabbiata", "name": "arrabbiata"},
            ],
        },
    },
    "categories": [
        {
            "id": "pizza",
            "name": "Pizzas",
            "items": [
                {
                    "id": "margherita",
                    "name": "margherita pizza",
                    "aliases": {"en": ["margherita", "cheese pizza"]},
                    "price_minor": 90000,
                    "groups": ["pizza-size", "crust", "topping"],
                },
                {
                    "id": "pepperoni",
                    "name": "pepperoni pizza",
                    "aliases": {"en": ["pepperoni"]},
                    "price_minor": 110000,
                    "groups": ["pizza-size", "crust", "topping"],
                },
                {
                    "id": "hawaiian",
                    "name": "hawaiian pizza",
                    "aliases": {"en": ["hawaiian"]},
                    "price_minor": 110000,
                    "groups": ["pizza-size", "crust", "topping"],
                },
            ],
        },
        {
            "id": "pasta",
            "name": "Pasta",
            "items": [
                {
                    "id": "spaghetti",
                    "name": "spaghetti",
                    "aliases": {"en": ["pasta"]},
                    "price_minor": 70000,
                    "groups": ["pasta-sauce"],
                },
                {"id": "garlic-bread", "name": "garlic bread", "price_minor": 30000},
                {"id": "tiramisu", "name": "tiramisu", "price_minor": 40000},
            ],
        },
    ],
}
# Words that make a random caller order, doubt, correct and confirm.
GREEDY_WORDS = """
yes; no; that's all; place the order; yes and a soda; a; two; one; three; large; no onions; with; and; chicken burger;
fries; soda; coke; combo; burger; make that; change; to; remove; take off; instead of; the; both; another one; hot;
wings; margherita; pizza; pesto; pasta; sorry; actually; how much is; what's the total; cancel my order; hold on;
goodbye; delivery; go ahead; it; that; eighteen thousand; of them; the other; no; yes; yes; that's all; right
""".replace("\n", " ").split("; ")


def westlands() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "branches" / "westlands.yaml").read_text())
    return document


def setup_of(document: Mapping[str, Any], tail: str = "") -> AgentSetup:
    """The setup message for a branch document, as a session would get it."""
    branch = document["branch"]
    head = (
        f"BRANCH {branch['name']}; currency {branch['currency']}; languages {', '.join(branch['languages'])}; "
        f"fulfilment {', '.join(branch['fulfilment'])}"
    )
    lines = [
        "You take telephone orders. Never invent an item; ask when unsure.",
        head,
        f"GREETING Hello, this is {branch['name']}. I am an automated assistant. What would you like?",
        *_menu_lines(document),
    ]
    return AgentSetup("\n".join(lines) + tail, declarations_of(document))


def declarations_of(document: Mapping[str, Any]) -> list[dict[str, object]]:
    items = [item["id"] for category in document["categories"] for item in category["items"]]
    options = list(dict.fromkeys(o["id"] for group in document["groups"].values() for o in group["options"]))
    item, option = {"type": "STRING", "enum": items}, {"type": "STRING", "enum": options}
    number, text = {"type": "INTEGER"}, {"type": "STRING"}
    reasons = {"type": "STRING", "enum": REASONS}
    functions: dict[str, dict[str, object]] = {
        "addItem": {"name": item, "quantity": number, "modifiers": {"type": "ARRAY", "items": option}},
        "applyModifier": {"item": item, "modifier": option, "quantity": number, "line": text},
        "removeItem": {"item": item, "line": text, "quantity": number},
        "changeQuantity": {"item": item, "line": text, "quantity": number},
        "searchMenu": {"query": text},
        "getTotal": {},
        "setCustomer": {"name": text, "fulfilment": {"type": "STRING", "enum": document["branch"]["fulfilment"]}},
        "placeOrder": {},
        "orderStatus": {"order": text},
        "cancelOrder": {"order": text},
        "escalate": {"reason": reasons, "summary": text},
        "endCall": {},
    }
    return [
        {"name": name, "description": name, "parameters": {"type": "OBJECT", "properties": properties}}
        for name, properties in functions.items()
    ]


def _menu_lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield "CHOICES"
    for group_id, group in document["groups"].items():
        low, high = group["min"], group["max"]
        rule = [group["name"], f"choose {low}" if low == high else f"choose {low} to {high}"]
        if group.get("quantity_max", 1) > 1:
            rule.append(f"each up to {group['quantity_max']}")
        if group.get("default"):
            rule.append(f"usually {group['default']}")
        options = "; ".join(
            _names(o) + (f", {o['price_minor'] / 100:+.2f}" if o.get("price_minor") else "") for o in group["options"]
        )
        yield f"{group_id} ({'; '.join(rule)}): {options}"
    yield "ITEMS"
    for category in document["categories"]:
        yield f"# {category['name']}"
        for item in category["items"]:
            choices = f"; choices: {', '.join(item['groups'])}" if item.get("groups") else ""
            yield f"{_names(item)}; {item['price_minor'] / 100:.2f}{choices}"
    yield "END OF MENU"


def _names(thing: Mapping[str, Any]) -> str:
    aliases = [alias for names in thing.get("aliases", {}).values() for alias in names]
    return f"{thing['id']} = " + " / ".join(dict.fromkeys([thing["name"], *aliases]))
