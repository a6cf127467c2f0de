"""The twenty tuned callers by text: each must end with exactly the ticket that its file says."""

from typing import Any

import pytest
import yaml
from offline_menus import ROOT, setup_of, westlands
from offline_orders import Call

GRILL = westlands()
SETUP = setup_of(GRILL)
CALLERS: list[dict[str, Any]] = yaml.safe_load((ROOT / "benchmarks/callers/tuned.yaml").read_text())["callers"]


def test_there_are_twenty() -> None:
    assert len({caller["id"] for caller in CALLERS}) == 20
    assert {caller["branch"] for caller in CALLERS} == {"westlands"}


@pytest.mark.parametrize("caller", CALLERS, ids=[caller["id"] for caller in CALLERS])
def test_a_tuned_caller_gets_what_they_want(caller: dict[str, Any]) -> None:
    call = Call(SETUP, GRILL).start()
    call.hear(*caller["say"])
    wanted = [(row["item"], row["quantity"], tuple(sorted(row.get("options", [])))) for row in caller["ticket"]]
    assert call.orders.ticket() == sorted(wanted)
    outcome = "placed" if call.orders.placed else "handoff" if "escalate" in call.orders.names() else "no_order"
    assert outcome == caller.get("outcome", "placed")
