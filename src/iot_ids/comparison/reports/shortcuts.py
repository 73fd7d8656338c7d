"""The report `shortcuts`: what is each shortcut worth? The clean protocol beside the paper's shortcuts and ours."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.comparison import selecting as runs
from iot_ids.comparison.loading import Method, RunTable, closest, load_runs, variants
from iot_ids.comparison.method_scores import Row, difference, scored
from iot_ids.comparison.render import cells, columns
from iot_ids.comparison.render import page as report
from iot_ids.comparison.render.columns import Column
from iot_ids.comparison.render.page import Page, Report
from iot_ids.comparison.render.plots import LONGEST_LINE, points
from iot_ids.comparison.selecting import named
from iot_ids.comparison.spec import Compare
from iot_ids.comparison.stats.seeds import Difference
from iot_ids.plots.canvas import DARK, disable_mathtext, panels, write
from iot_ids.protocol import OURS, PAPERS, TRANSDUCTIVE, WORDS, protocol
from iot_ids.tracking import KeptRun, Store

VARIED = ("split.stratified", "scaler.before_split", "outliers.", "dataset.duplicates", "dataset.identifiers")
"""Beginnings of the parameters behind the shortcuts."""


@dataclass(frozen=True)
class Condition:
    """`shortcuts` in the order of WORDS; empty under the clean protocol."""

    shortcuts: tuple[str, ...]
    outliers: str = "none"

    @property
    def reference(self) -> bool:
        """Whether this is the clean protocol with nothing dropped."""
        return not self.shortcuts and self.outliers == "none"

    @property
    def words(self) -> str:
        """As the table's rows are called."""
        rule = "" if self.outliers == "none" else f", outliers={self.outliers} on train only"
        if not self.shortcuts:
            return f"clean{rule}"
        if set(PAPERS) <= set(self.shortcuts):
            return "all of the paper's shortcuts" + f" + {OURS}" * (OURS in self.shortcuts)
        taken = " + ".join(name.replace("_", " ") for name in self.shortcuts)
        return taken if "outliers_before_split" in self.shortcuts else f"{taken}{rule}"

    @property
    def order(self) -> tuple[int, list[int]]:
        """Clean first, then single shortcuts, then several together."""
        return len(self.shortcuts), [list(WORDS).index(name) for name in self.shortcuts] or [not self.reference]


def condition(method: Method) -> Condition | None:
    """Where a method stands in the report; None for a protocol or a duplicates setting that no shortcut names."""
    parameters, tags = method.parameters, method.records[0].run.tags
    if tags.get("protocol") == TRANSDUCTIVE:
        return None
    named = tags.get("protocol.shortcuts", "").split(",")
    taken = tuple(name for name in WORDS if name in named)
    clean = tags.get("protocol", "clean") == "clean" and parameters.get("dataset.duplicates", "distinct") == "distinct"
    return Condition(taken, parameters.get("outliers.name", "none")) if taken or clean else None


MEASURES = ("accuracy", "f1_macro")


@dataclass(frozen=True)
class ShortcutRow:
    """One method under one condition; `differences` by measure, to the same method's clean runs where there are any."""

    method: str
    condition: Condition
    words: str
    scored: Row
    test_rows: float
    differences: dict[str, Difference]


def rows(gathered: RunTable, replicates: int, seed: int) -> tuple[list[ShortcutRow], list[Method]]:
    """Return every method that was run with a shortcut, and the methods that were left out since they belong to none.

    `replicates` and `seed` are those of the bootstrap that gives a single run its interval.
    """
    found: list[ShortcutRow] = []
    left_out: list[Method] = []
    for name, methods in variants(gathered.methods, VARIED).items():
        placed = {id(each): where for each in methods if (where := condition(each)) is not None}
        if not any(where.shortcuts for where in placed.values()):
            left_out += methods
            continue
        left_out += [each for each in methods if id(each) not in placed]
        there = sorted((each for each in methods if id(each) in placed), key=lambda each: placed[id(each)].order)
        references = [each for each in there if placed[id(each)].reference]
        words = _words(there, [placed[id(each)] for each in there])
        for method, called in zip(there, words, strict=True):
            reference = None if method in references else closest(method, references)
            tested = [record.run.metrics["data/test_rows"] for record in method.records]
            scores = scored(gathered, method, None, replicates, seed)
            differences = _differences(gathered, method, reference, seed)
            found.append(ShortcutRow(name, placed[id(method)], called, scores, float(np.mean(tested)), differences))
    return found, left_out


def _words(methods: Sequence[Method], conditions: Sequence[Condition]) -> list[str]:
    """What the conditions are called; where two are called alike, the fingerprint tells them apart."""
    count = Counter(each.words for each in conditions)
    prints = [method.records[0].run.tags["config.fingerprint"] for method in methods]
    return [
        each.words if count[each.words] == 1 else f"{each.words} {fingerprint[:6]}"
        for each, fingerprint in zip(conditions, prints, strict=True)
    ]


def _differences(gathered: RunTable, method: Method, reference: Method | None, seed: int) -> dict[str, Difference]:
    """Never by a bootstrap of common rows: a shortcut changes which rows are tested."""
    if reference is None:
        return {}
    found = {name: difference(gathered, method, reference, None, seed, name) for name in MEASURES}
    return {name: each for name, each in found.items() if each is not None}


PAPERS_MEASURE = "accuracy"


def sentence(rows: Sequence[ShortcutRow], simulated: bool) -> str:
    """For each method: what most shortcuts together change, and which single one changes the paper's measure most."""
    methods = list(dict.fromkeys(row.method for row in rows))
    clauses = [_clause(method, [row for row in rows if row.method == method]) for method in methods]
    return f"{'SIMULATED: ' if simulated else ''}Compared with the clean protocol, {'; '.join(clauses)}."


def _clause(method: str, rows: Sequence[ShortcutRow]) -> str:
    told = [row for row in rows if row.condition.shortcuts and row.differences]
    if not told:
        return f"{method} has no clean runs on the same seeds"
    parts = []
    together = max(told, key=lambda row: len(row.condition.shortcuts))
    if len(together.condition.shortcuts) > 1:
        parts.append(f"{together.words} together change {method} by {_changes(together)}")
    singles = [row for row in told if len(row.condition.shortcuts) == 1]
    if singles:
        most = max(singles, key=lambda row: abs(row.differences[PAPERS_MEASURE].estimate.mean))
        alone = "a single one" if parts else f"a single shortcut to {method}"
        parts.append(f"the largest change by {alone} is that of {most.words}: {_changes(most)}")
    return ", and ".join(parts)


def _changes(row: ShortcutRow) -> str:
    accuracy, f1 = (cells.difference(row.differences[name]) for name in ("accuracy", "f1_macro"))
    return f"{accuracy} in accuracy and {f1} in macro-F1"


NOTES = (
    "Shares in percent; in brackets the 95 % interval. Seen: test rows whose used columns equal a training row's.",
    "Differences to clean: paired by seed, corrected resampled t. Most shortcuts change which rows are tested, so a "
    "difference describes the effect on the reported number; it is not a test on the same rows.",
    "An outlier rule has an effect even when it is learned on train only: compare the two rows to see what learning it "
    "before the split adds.",
)


def page(gathered: RunTable, rows: Sequence[ShortcutRow], left_out: Sequence[Method]) -> Page:
    """A line per method and condition; for a terminal, without the intervals of the scores."""
    brief = _columns(interval=False)
    return Page(
        f"{cells.flows(gathered)}: what each shortcut is worth",
        sentence(rows, gathered.simulated),
        columns.headings(COLUMNS),
        [columns.texts(COLUMNS, row) for row in rows],
        [*NOTES, *_note_on_ours(rows), *_more_notes(gathered, left_out)],
        ["", *columns.headings(brief)[1:]],
        columns.under_titles(brief, groupby(rows, key=lambda row: row.method)),
    )


def csv(gathered: RunTable, rows: Sequence[ShortcutRow]) -> pl.DataFrame:
    """Shares as shares, every measure with `_low` and `_high`; null where there is no number."""
    return columns.frame(COLUMNS, rows, gathered.simulated)


def _columns(interval: bool) -> list[Column[ShortcutRow]]:
    """From the protocol on; without intervals, in the terminal, the columns have shorter headings."""
    return [
        Column(
            "protocol",
            lambda row: row.words,
            lambda row: {
                "protocol": protocol(row.condition.shortcuts),
                "shortcuts": ",".join(row.condition.shortcuts) or None,
                "outliers": row.condition.outliers,
                **columns.seeds(row.scored.seeds),
                "test_rows": row.test_rows,
                **columns.seen(row.scored),
            },
        ),
        *_measured("accuracy", "accuracy" if interval else "acc.", interval),
        *_measured("f1_macro", "macro-F1", interval),
        Column("test rows", lambda row: cells.count(round(row.test_rows))),
        Column("seen", lambda row: cells.seen(row.scored)),
        Column("seeds", lambda row: str(len(row.scored.seeds))),
    ]


def _measured(name: str, heading: str, interval: bool) -> list[Column[ShortcutRow]]:
    return [
        Column(
            heading,
            lambda row: cells.format_percent(row.scored.scores[name], interval),
            lambda row: columns.ends(name, row.scored.scores[name]),
        ),
        Column(
            "to clean",
            lambda row: cells.difference(row.differences.get(name)),
            lambda row: columns.difference(row.differences.get(name), f"difference_{name}"),
        ),
    ]


COLUMNS = [Column[ShortcutRow]("method", lambda row: row.method, lambda row: {"method": row.method}), *_columns(True)]


def _more_notes(gathered: RunTable, left_out: Sequence[Method]) -> list[str]:
    said = [f"{note[0].upper()}{note[1:]}." for note in gathered.notes]
    runs = [record.run for method in left_out for record in method.records]
    why = "Left out, clean runs of methods without shortcuts, or runs with duplicates kept"
    return [*said, f"{why}: {named(runs)}."] if runs else said


def _note_on_ours(rows: Sequence[ShortcutRow]) -> list[str]:
    """What a reader must not take for the paper's."""
    if not any(OURS in row.condition.shortcuts for row in rows):
        return []
    return [
        "Identifiers: addresses, ports, times and running numbers used as features. Not one of the paper's "
        "shortcuts, but our own ablation on the same test rows, which shows how far they would inflate the scores."
    ]


AXES = {"accuracy": "accuracy", "f1_macro": "macro-F1"}


def plot(gathered: RunTable, rows: Sequence[ShortcutRow], path: Path) -> None:
    """Draw every line that has clean runs to be compared with; a figure without any says so by being empty."""
    told = [row for row in rows if row.differences]
    several = len({row.method for row in told}) > 1
    labels = [textwrap.fill(f"{row.method}: {row.words}" if several else row.words, LONGEST_LINE) for row in told]
    height = 1.9 + sum(max(0.34, 0.19 * (1 + label.count("\n"))) for label in labels)
    method = "" if several or not told else f" to {told[0].method}"
    title = f"{cells.flows(gathered).removeprefix('SIMULATED: ')}: what each shortcut is worth{method}"
    figure, panes = panels(10.5, height, title, gathered.simulated, count=2)
    for axes, name in zip(panes, MEASURES, strict=True):
        axes.axvline(0, color=DARK, linestyle="--", linewidth=1)
        points(axes, [row.differences[name].estimate for row in told], signed=True)
        axes.set_xlabel(f"{AXES[name]} less the clean protocol's, percentage points, 95 % interval", fontsize=8.5)
        axes.set_yticks(range(len(told)), [""] * len(told))
    panes[0].set_yticks(range(len(told)), labels, fontsize=8.5)
    disable_mathtext(panes[0].get_yticklabels())
    write(figure, path)


FILTERS = {name: fact for name, fact in runs.FILTERS.items() if name not in ("duplicates", "protocol")}
ALSO_EQUAL = {
    **{name: fact for name, fact in runs.ALSO_EQUAL.items() if name != "the shortcuts"},
    "the split's settings": runs.settings(lambda run: "split.", but=["split.name", "split.stratified"]),
}
"""What the runs have to agree in: everything but what the shortcuts change."""


def make(stores: dict[str, Store], settings: Compare, aside: Path) -> tuple[Store, Report]:
    """Every method under the clean protocol and with shortcuts; `aside` takes copies of the runs' artifacts.

    Raises:
        UserError: no run that was chosen took a shortcut, or the runs differ in more than shortcuts.
    """
    store, gathered = load_runs(stores, settings, aside, refuse_other_flows)
    found, left_out = rows(gathered, settings.replicates, settings.seed)
    if not found:
        raise UserError(
            "report=shortcuts: no run took a shortcut; make some: python -m train -m +experiment=paper_recipe"
        )
    made = page(gathered, found, left_out)
    place = report.folder(gathered.first, settings)
    plotted = partial(plot, gathered, found)
    return store, report.of_page("shortcuts", gathered.runs, place, made, csv(gathered, found), plotted)


def refuse_other_flows(kept: Sequence[KeptRun]) -> None:
    """Raise a UserError where the runs differ in dataset, data, label or split."""
    runs.refuse_mixture(kept, FILTERS, ALSO_EQUAL)
