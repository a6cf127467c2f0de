"""What the rules import: the standard library, each other, and in one file the edit distances of rapidfuzz."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import agiza.domain

DOMAIN = Path(agiza.domain.__file__).parent


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield str(node.module)


def test_the_domain_needs_nothing_else() -> None:
    foreign = {
        (path.name, module)
        for path in DOMAIN.rglob("*.py")
        for module in imported(path)
        if module.split(".")[0] not in sys.stdlib_module_names and not module.startswith("agiza.domain")
    }
    assert foreign == {("likeness.py", "rapidfuzz"), ("likeness.py", "rapidfuzz.distance")}
