"""`python -m tests.figures [REPOSITORY]`: the figures of docs/structure.md, from the imports and files of the code."""

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from statistics import median

import grimp

Arrows = Mapping[str, set[str]]
SHORT = 50
"""Lines below which a module with one importer is better read where it is used, unless it is an extension point."""


def imports() -> dict[str, set[str]]:
    """Every module of the package, with those that it imports; imports for type checking do not count."""
    graph = grimp.build_graph("iot_ids", cache_dir=None, exclude_type_checking_imports=True)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def rooms(modules: Arrows) -> dict[str, set[str]]:
    """The packages and loose modules at the package's top, with those that they import."""
    room = {module: module.split(".")[1] for module in modules if "." in module}
    arrows: dict[str, set[str]] = {name: set() for name in room.values()}
    for module, name in room.items():
        arrows[name] |= {room[each] for each in modules[module] if each in room} - {name}
    return arrows


def heights(arrows: Arrows) -> dict[str, int]:
    """How many steps lead down from each, itself included; a circle ends in a RecursionError."""

    @cache
    def steps(name: str) -> int:
        return 1 + max(map(steps, arrows[name]), default=0)

    return {name: steps(name) for name in arrows}


def lines(files: Iterable[Path]) -> list[int]:
    """The lines of each file."""
    return [len(file.read_text(encoding="utf-8").splitlines()) for file in files]


def figures(repository: Path) -> dict[str, str]:
    """The figures by the name of their row in docs/structure.md."""
    source, modules = repository / "src", imports()
    package = source / "iot_ids"
    files = [file for file in package.rglob("*.py") if file.name != "__init__.py"]
    importers = {_name(file, source): 0 for file in files}
    for below in modules.values():
        importers |= {name: importers[name] + 1 for name in below if name in importers}
    single = [file for file in files if importers[_name(file, source)] <= 1]
    each, floors = lines(files), rooms(modules)
    return {
        "modules, with `__init__.py`": f"{len(files)}, {len(modules)}",
        "loose modules at the package's top": f"{len([file for file in files if file.parent == package])}",
        "rooms, arrows between them": f"{len(floors)}, {sum(map(len, floors.values()))}",
        "floors (longest way down, by room)": f"{max(heights(floors).values())}",
        "longest chain of imports, by module": f"{max(heights(modules).values())}",
        "modules with one importer or none": f"{len(single)}",
        f"of these under {SHORT} lines": f"{len([count for count in lines(single) if count < SHORT])}",
        "lines of `src`, of `tests`": ", ".join(
            f"{sum(lines((repository / name).rglob('*.py'))):,}" for name in ("src", "tests")
        ),
        "lines of a module, median and longest": f"{median(each):.0f}, {max(each)}",
    }


def _name(file: Path, source: Path) -> str:
    return ".".join(file.relative_to(source).with_suffix("").parts)


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    sys.path.insert(0, str(place / "src"))
    for name, value in figures(place).items():
        print(f"{name}: {value}")
