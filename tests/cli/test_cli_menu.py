"""``agiza menu`` on files and on a real database, as an operator types it; and what callers hear of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from servers import Database

from agiza.cli.errors import CliError
from agiza.cli.until import moment_until, shown
from agiza.cli.up_note import forget_orders, note_orders
from agiza.runtime.branch_files import load_branch_file

ROOT = Path(__file__).parents[2]
WESTLANDS = ROOT / "branches/westlands.yaml"
BRANCH = load_branch_file(WESTLANDS).file.branch
NOON = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)

Menu = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def menu(tmp_path: Path) -> Menu:
    """The command in a process of its own, in an empty folder, as in the services' image."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-m", "agiza.cli.menu", *arguments],
            cwd=tmp_path,
            env=kept | {"COLUMNS": "300", "PYTHONPATH": str(ROOT)} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def line_of(part: str, text: str) -> int:
    return 1 + text[: text.index(part)].count("\n")


def test_check_names_every_mistake_with_its_line_and_ends_with_1(menu: Menu, tmp_path: Path) -> None:
    good = menu("check", str(WESTLANDS))
    assert (good.returncode, good.stderr) == (0, "")
    assert "branch westlands" in good.stdout
    text = (
        WESTLANDS.read_text()
        .replace("currency: KES", "currency: ksh")
        .replace("kitchen: TEA,", "kitchen: TEA, kithen: x,")
    )
    (tmp_path / "bad.yaml").write_text(text)
    bad = menu("check", str(tmp_path / "bad.yaml"), str(WESTLANDS))
    assert bad.returncode == 1
    first, second, last = bad.stdout.splitlines()
    assert first.startswith(
        f"bad.yaml:{1 + text[: text.index('currency: ksh')].count(chr(10))}: branch.currency: must be"
    )
    assert second.startswith(f"bad.yaml:{1 + text[: text.index('kithen')].count(chr(10))}: ")
    assert second.endswith("kithen: is not known here: take it out")
    assert last == "2 to mend"
    told = json.loads(menu("check", "--json", str(tmp_path / "bad.yaml")).stdout)
    assert (told["problems"], told["branches"]) == ([first, second], [])
    assert menu("check", "nowhere.yaml").returncode == 2


def test_check_tells_of_names_that_callers_will_be_asked_about(menu: Menu, tmp_path: Path) -> None:
    text = WESTLANDS.read_text().replace("aliases: {en: [slaw]}", "aliases: {en: [slaw, tomato salad]}")
    (tmp_path / "a.yaml").write_text(text)
    told = menu("check", str(tmp_path / "a.yaml"))
    assert told.returncode == 0, "it is no mistake"
    line = 1 + text[: text.index("id: kachumbari,")].count("\n")
    assert (
        f"a.yaml:{line}: 'tomato salad' names coleslaw too: a caller who says it is always asked which (note)"
        in told.stdout
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("18:30", datetime(2026, 3, 6, 15, 30, tzinfo=UTC)),
        ("8:30", datetime(2026, 3, 7, 5, 30, tzinfo=UTC)),
        ("12:00", datetime(2026, 3, 7, 9, 0, tzinfo=UTC)),
        ("opening", datetime(2026, 3, 7, 4, 0, tzinfo=UTC)),
        ("2026-03-06T20:00:00+03:00", datetime(2026, 3, 6, 17, 0, tzinfo=UTC)),
    ],
)
def test_a_time_is_meant_by_the_branchs_clock(text: str, meant: datetime) -> None:
    assert moment_until(text, BRANCH, NOON) == meant


def test_a_time_that_is_none_is_refused_with_what_to_write() -> None:
    for text in ("soon", "25:00", "18:30 EAT"):
        with pytest.raises(CliError, match=r"write 18:30, opening, or 2026-"):
            moment_until(text, BRANCH, NOON)
    with pytest.raises(CliError, match="no time zone"):
        moment_until("2026-03-06T20:00:00", BRANCH, NOON)
    assert shown(NOON, BRANCH) == "Fri 6 Mar 12:00"


@pytest.mark.integration
def test_publish_makes_a_version_once_and_the_way_back_is_a_version_too(
    menu: Menu, database: Database, tmp_path: Path
) -> None:
    login = {"DATABASE_URL": database.urls["agiza_orders"]}
    first = menu("publish", str(WESTLANDS), "--by", "Amina", **login)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("westlands: version 1 is published")
    path = tmp_path / "westlands.yaml"
    path.write_text(WESTLANDS.read_text().replace("price_minor: 55000", "price_minor: 57000"))
    assert menu("publish", str(path), "--by", "Otieno", **login).stdout.startswith("westlands: version 2 is published")
    again = menu("publish", str(path), **login)
    assert (again.returncode, again.stdout) == (0, "westlands: version 2 has this content already; nothing changed\n")
    back = menu("show", "--branch", "westlands", "--version", "1", **login)
    (tmp_path / "back.json").write_text(back.stdout)
    assert menu("publish", str(tmp_path / "back.json"), **login).stdout.startswith("westlands: version 3 is published")
    listed = menu("versions", "--branch", "westlands", **login).stdout.splitlines()
    assert [line.split("  ")[0] for line in listed] == ["3", "2", "1"]
    assert [line.split("  ")[2] for line in listed[1:]] == ["by Otieno", "by Amina"]
    assert menu("show", "--branch", "westlands", "--version", "9", **login).returncode == 2


@pytest.mark.integration
def test_a_file_with_a_mistake_publishes_nothing_of_any_file(menu: Menu, database: Database, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text((ROOT / "branches/kilimani.yaml").read_text().replace("min: 0", "min: 99", 1))
    refused = menu("publish", str(WESTLANDS), str(tmp_path / "bad.yaml"), DATABASE_URL=database.urls["agiza_orders"])
    assert refused.returncode == 1
    assert "bad.yaml:" in refused.stdout
    assert refused.stdout.endswith("nothing was published\n")
    unknown = menu("stock", "--branch", "westlands", DATABASE_URL=database.urls["agiza_orders"])
    assert (unknown.returncode, unknown.stderr.strip()) == (
        2,
        "agiza: there is no branch 'westlands'; there are: none yet",
    )


@pytest.mark.integration
def test_what_cannot_be_sold_out_is_refused_in_one_line(menu: Menu, database: Database) -> None:
    login = {"DATABASE_URL": database.urls["agiza_orders"]}
    menu("publish", str(WESTLANDS), **login)
    for arguments, says in (
        (["samossa", "--branch", "westlands"], "has no item 'samossa' on its menu: did you mean samosa?"),
        (["fries", "--branch", "nowhere"], "there is no branch 'nowhere'; there are: westlands"),
        (["fries", "--branch", "westlands", "--until", "soon"], "is no time"),
        (["fries", "--branch", "westlands", "--until", "2020-01-01T00:00:00+03:00"], "is past: give a later time"),
        (["fries", "--branch", "westlands", "--back", "--until", "18:30"], "leave --until and --reason out"),
    ):
        refused = menu("sold-out", *arguments, **login)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert says in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1


@pytest.mark.integration
def test_the_database_that_is_wrong_or_away_is_told_in_one_line(menu: Menu, database: Database, tmp_path: Path) -> None:
    def told(*arguments: str, **environment: str) -> str:
        answer = menu(*(arguments or ("stock", "--branch", "westlands")), **environment)
        assert (answer.returncode, answer.stdout, len(answer.stderr.strip().splitlines())) == (2, "", 1)
        return answer.stderr

    assert "set DATABASE_URL" in told()
    assert "does not answer" in told(DATABASE_URL="postgresql://nobody:x@127.0.0.1:1/none")
    other = told("publish", str(WESTLANDS), DATABASE_URL=database.urls["agiza_escalation"])
    assert "use the DATABASE_URL of the orders service" in other
    # the stack of `agiza up` in this folder is found by its note
    note_orders({"DATABASE_URL": database.urls["agiza_orders"], "REDIS_URL": "x"}, tmp_path / ".agiza")
    assert (tmp_path / ".agiza/orders.json").stat().st_mode & 0o077 == 0, "the note holds a password"
    assert "there are: none yet" in told()
    forget_orders(tmp_path / ".agiza")
    assert "set DATABASE_URL" in told()


def test_the_command_needs_nothing_that_the_services_image_lacks() -> None:
    code = "import sys; sys.modules['simulators'] = None; import agiza.cli.menu"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
