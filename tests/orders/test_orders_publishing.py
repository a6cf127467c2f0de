"""Who may make which document a branch's newest menu; and that a version never changes."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import psycopg
import pytest
from captured_logs import Logged
from orders_desk import Desk

from agiza.domain.menu import parse_branch
from services.orders.publishing import Publication, PublishRefused, publish_by_hand, publish_file

pytestmark = pytest.mark.integration

Document = dict[str, Any]


async def of(desk: Desk, branch: str = "westlands") -> Document:
    """The newest document, to change."""
    return copy.deepcopy(dict((await desk.catalog.current(branch)).document))


def named(document: Document, name: str) -> Document:
    return document | {"branch": document["branch"] | {"name": name}}


async def by_hand(desk: Desk, document: Document) -> Publication:
    return await publish_by_hand(desk.pool, parse_branch(document), document, "Amina")


async def at_start(desk: Desk, document: Document) -> Publication:
    return await publish_file(desk.pool, parse_branch(document), document)


async def test_by_hand_every_change_is_a_new_version_and_the_same_is_none(desk: Desk) -> None:
    first = await of(desk)
    other = named(first, "Tamu Grill by hand")
    assert await by_hand(desk, first) == Publication("same", 1)
    assert await by_hand(desk, other) == Publication("new", 2)
    assert await by_hand(desk, other) == Publication("same", 2)
    assert await by_hand(desk, first) == Publication("new", 3), "going back is a new version too"
    assert desk.rows("SELECT version, source, published_by FROM menus WHERE branch_id = 'westlands' ORDER BY 1") == [
        (1, "files", ""), (2, "hand", "Amina"), (3, "hand", "Amina"),
    ]  # fmt: skip
    assert (await desk.catalog.menu("westlands", 2)).file.branch.name == "Tamu Grill by hand"


async def test_a_replica_with_older_files_publishes_nothing_over_a_newer_version(desk: Desk, logged: Logged) -> None:
    old = await of(desk)
    newer = named(old, "Tamu Grill newer")
    assert await at_start(desk, newer) == Publication("new", 2)
    assert await at_start(desk, old) == Publication("older", 2), "yesterday's file after today's"
    assert await by_hand(desk, named(old, "by hand")) == Publication("new", 3)
    for late in (old, newer):
        assert await at_start(desk, late) == Publication("older", 3)
    assert await at_start(desk, named(old, "a file never seen")) == Publication("held", 3), "a hand goes before files"
    await desk.catalog.publish([old])
    assert (await desk.catalog.current("westlands")).file.branch.name == "by hand"
    [told] = logged.events("menu_file_left_out")
    assert (told["level"], told["branch_id"], told["why"]) == ("warning", "westlands", "older")


async def test_replicas_that_publish_at_once_make_one_version(desk: Desk) -> None:
    document = named(await of(desk), "at once")
    done = await asyncio.gather(*(by_hand(desk, document) for _ in range(5)))
    assert sorted(each.outcome for each in done) == ["new", "same", "same", "same", "same"]
    assert {each.version for each in done} == {2}


async def test_a_number_of_another_branch_is_refused_and_does_not_stop_the_start(desk: Desk, logged: Logged) -> None:
    document = await of(desk)
    stolen = document | {"branch": document["branch"] | {"phone": "+254709000003"}}
    with pytest.raises(PublishRefused, match="answered by branch kilimani"):
        await by_hand(desk, stolen)
    await desk.catalog.publish([stolen])
    assert (await desk.catalog.current("westlands")).version == 1
    assert [each["branch_id"] for each in logged.events("menu_refused")] == ["westlands"]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE menus SET digest = 'x'", "DELETE FROM menus WHERE version = 1", "TRUNCATE menus CASCADE"],
)
async def test_nobody_changes_a_version(desk: Desk, statement: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="publish a new one"):
        desk.run(statement)  # the administrator
    async with desk.pool.connection() as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(statement)
