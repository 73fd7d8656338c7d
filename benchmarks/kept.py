"""Store the measured figures as JSON beside the page that is written from them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.figure import Figure

DOCS = Path(__file__).parent.parent / "docs"
FILE = DOCS / "benchmarks.json"


@dataclass(frozen=True)
class Section:
    """The figures of one subject, measured in one run."""

    when: str
    machine: str
    versions: str
    missing: list[str]
    """Sentences about baselines that were not installed."""
    figures: list[Figure]


def read(file: Path = FILE) -> dict[str, Section]:
    """Read the sections by subject; empty if nothing has been measured yet."""
    if not file.exists():
        return {}
    kept = json.loads(file.read_text())
    return {
        name: Section(**section | {"figures": [Figure(**figure) for figure in section["figures"]]})
        for name, section in kept.items()
    }


def write(sections: dict[str, Section], file: Path = FILE) -> None:
    """Write `sections` as JSON."""
    file.write_text(json.dumps({name: asdict(section) for name, section in sorted(sections.items())}, indent=1) + "\n")
