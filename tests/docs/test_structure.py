"""What docs/structure.md promises of the code's shape; import-linter (`make check`) holds who may import whom."""

from pathlib import Path

import pytest

from figures import figures, heights, imports, rooms

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "iot_ids"
PAGE = (ROOT / "docs" / "structure.md").read_text().splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE if line.startswith("|")]
ALLOWED = 0.02
"""How far the page's numbers of lines may be off: they change with every commit."""


@pytest.fixture(scope="module")
def modules() -> dict[str, set[str]]:
    return imports()


def test_no_circle_of_modules(modules: dict[str, set[str]]) -> None:
    assert max(heights(modules).values()) < 30


def test_the_rooms_stand_on_the_floors_that_the_page_says(modules: dict[str, set[str]]) -> None:
    said = {name.strip("`/").removesuffix(".py"): int(floor) for floor, name, *_ in ROWS if floor.isdigit()}
    assert said == heights(rooms(modules))
    assert max(said.values()) <= 7


def test_the_page_says_what_the_code_has() -> None:
    now = {name: value for name, *_, value in ROWS}
    for name, value in figures(ROOT).items():
        allowed = ALLOWED if name.startswith("lines of") else 0
        assert numbers(now[name]) == pytest.approx(numbers(value), rel=allowed), f"{name}: write {value}"


def numbers(cell: str) -> list[int]:
    """`18,564, 21,300` is two of them."""
    return [int(number.replace(",", "")) for number in cell.split(", ")]


def test_few_modules_lie_loose() -> None:
    assert len([file for file in PACKAGE.glob("*.py") if file.name != "__init__.py"]) <= 3


def test_no_file_is_long() -> None:
    assert {file.name for file in PACKAGE.rglob("*.py") if len(file.read_text().splitlines()) > 370} == set()
