"""What docs/structure.md promises of the code's shape; import-linter (`make check`) holds who may import whom."""

from functools import cache
from pathlib import Path

import grimp
import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "iot_ids"


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Every module of the package, with those that it imports."""
    graph = grimp.build_graph("iot_ids", cache_dir=None, exclude_type_checking_imports=True)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def longest(arrows: dict[str, set[str]]) -> dict[str, int]:
    """How many steps lead down from each; a circle ends in a RecursionError."""

    @cache
    def steps(name: str) -> int:
        return 1 + max((steps(below) for below in arrows[name]), default=0)

    return {name: steps(name) for name in arrows}


def test_no_circle_of_modules(imports: dict[str, set[str]]) -> None:
    assert max(longest(imports).values()) < 30


def test_the_rooms_stand_on_the_floors_that_the_page_says(imports: dict[str, set[str]]) -> None:
    room = {module: module.split(".")[1] for module in imports if "." in module}
    arrows: dict[str, set[str]] = {name: set() for name in room.values()}
    for module, below in imports.items():
        if module in room:
            arrows[room[module]] |= {room[each] for each in below if each in room} - {room[module]}
    floors = longest(arrows)
    assert max(floors.values()) <= 7
    page = (PACKAGE.parents[1] / "docs" / "structure.md").read_text()
    told = [
        line.split("|")[1:3] for line in page.splitlines() if line.startswith(tuple(f"| {n} |" for n in range(1, 8)))
    ]
    said = {name.strip(" `/").removesuffix(".py"): int(floor) for floor, name in told if name.strip().startswith("`")}
    assert said == floors


def test_few_modules_lie_loose() -> None:
    assert len([file for file in PACKAGE.glob("*.py") if file.name != "__init__.py"]) <= 3


def test_no_file_is_long() -> None:
    assert {file.name for file in PACKAGE.rglob("*.py") if len(file.read_text().splitlines()) > 370} == set()
