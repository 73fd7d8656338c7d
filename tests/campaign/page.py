"""docs/reliability.md: the table of what was counted, between two marks, and the same numbers as JSON."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from .tally import KINDS, Tally

DOCS = Path(__file__).parents[2] / "docs"
PAGE, FILE = DOCS / "reliability.md", DOCS / "reliability.json"
BEGIN, END = "<!-- campaign -->", "<!-- end of campaign -->"
HEADS = ("lost", "RUNNING", "doubled", "silent", "tracebacks", "hung", "leftovers")
"""How KINDS are called in the table."""


@dataclass(frozen=True)
class Section:
    """One attack as it was last made: by which command, when, where, and what came of it."""

    when: str
    commit: str
    seed: int
    machine: str
    command: str
    tally: Tally


def read(file: Path = FILE) -> dict[str, Section]:
    """The sections by attack; none where none was made yet."""
    if not file.exists():
        return {}
    kept = json.loads(file.read_text())
    return {name: Section(**section | {"tally": Tally(**section["tally"])}) for name, section in kept.items()}


def write(sections: dict[str, Section], file: Path = FILE, page: Path = PAGE) -> None:
    """Keep `sections`, and put their table between the marks of the page.

    Raises:
        ValueError: the page has not both marks.
    """
    file.write_text(json.dumps({name: asdict(section) for name, section in sections.items()}, indent=1) + "\n")
    text, marks = page.read_text(), re.compile(f"(?<={BEGIN}\n).*(?={END})", re.DOTALL)
    if not marks.search(text):
        raise ValueError(f"{page}: lacks the lines {BEGIN} and {END}")
    page.write_text(marks.sub(lambda _: table(sections), text))


def table(sections: dict[str, Section]) -> str:
    """A row per attack, the totals, and how the numbers were made."""
    tallies = [section.tally for section in sections.values()]
    total = Tally("all", sum(tally.aim for tally in tallies), sum(tally.tried for tally in tallies))
    total.faults = {kind: sum(tally.faults[kind] for tally in tallies) for kind in KINDS}
    rows = [f"| attack | tried | aim | {' | '.join(HEADS)} |", "|---|" + "---:|" * (2 + len(HEADS))]
    rows += [_row(tally) for tally in [*tallies, total]]
    made = sorted({_made(section) for section in sections.values()})
    return "\n".join([*rows, "", *(f"*{line}*\n" for line in made)])


def _row(tally: Tally) -> str:
    counts = [f"**{count:,}**" if count else "0" for count in (tally.faults[kind] for kind in KINDS)]
    return f"| {tally.what} | {tally.tried:,} | {tally.aim:,} | {' | '.join(counts)} |"


def _made(section: Section) -> str:
    return f"{section.when} UTC, commit {section.commit}, seed {section.seed}: `{section.command}`. {section.machine}."
