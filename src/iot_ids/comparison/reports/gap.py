"""The report `gap`: what is left of the score when the question gets harder? All conditions, for one dataset."""

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.common.text import mark_simulated
from iot_ids.comparison.render import cells
from iot_ids.comparison.render import page as report
from iot_ids.comparison.render.columns import ends, seeds
from iot_ids.comparison.render.page import Page, Report
from iot_ids.comparison.render.plots import reaches, style
from iot_ids.comparison.reports.gap_numbers import Cell, conditions, scores
from iot_ids.comparison.reports.gap_questions import Asked, Condition, asked, commands
from iot_ids.comparison.selecting import simulated
from iot_ids.comparison.spec import Compare
from iot_ids.comparison.stats.seeds import Estimate
from iot_ids.plots.canvas import DARK, PALE, disable_mathtext, panels, write
from iot_ids.tracking import Store

COIN = 0.5


def sentence(found: Mapping[tuple[Condition, str], Cell], conditions: Sequence[Condition], simulated: bool) -> str:
    """Name the best method's balanced accuracy under each condition that has runs, the easiest first."""
    clauses = [_clause(where, found) for where in conditions if any(each == where for each, _ in found)]
    return (
        f"{'SIMULATED: ' * simulated}Balanced accuracy of the best method as the question gets harder "
        f"(a coin toss: 50 %): {'; '.join(clauses)}."
    )


def best(where: Condition, found: Mapping[tuple[Condition, str], Cell]) -> str:
    """Return the method with the highest balanced accuracy under a condition that has cells."""
    there = {name: cell.balanced.mean for (each, name), cell in found.items() if each == where}
    return max(there, key=lambda name: there[name])


def _clause(where: Condition, found: Mapping[tuple[Condition, str], Cell]) -> str:
    name = best(where, found)
    score = found[where, name].balanced
    return f"{where.words}, {cells.format_percent(score)} % by {name}{_chance(score)}"


def _chance(score: Estimate) -> str:
    if score.mean <= COIN:
        return ", no better than a coin toss"
    return ", which the interval does not distinguish from a coin toss" if score.low <= COIN else ""


WITH_INTERVALS = 5
"""Methods whose intervals fit into a terminal side by side."""
HEADING_WIDTH = 13
INTERVALS = (
    "Intervals: t over seeds with Nadeau and Bengio's variance. Where every seed has the same test rows (unseen "
    "attacks, other networks, later flows), their binomial variance is added, and the overlap of the training draws "
    "follows from the split's shares. For a single seed, or a share that never varies: Wilson on the rows."
)


def page(asked: Asked, found: Mapping[tuple[Condition, str], Cell]) -> Page:
    """A line per condition, a column per method; for a terminal, balanced accuracy alone."""
    rows, methods = conditions(found), ranked(found)
    few = len(methods) <= WITH_INTERVALS
    headings = [_broken(name) if few else str(place) for place, name in enumerate(methods, start=1)]
    numbered = "" if few else f" Columns: {'; '.join(f'{at} {name}' for at, name in enumerate(methods, start=1))}."
    return Page(
        f"{'SIMULATED: ' * simulated(asked.runs)}{title(asked)}",
        sentence(found, rows, simulated(asked.runs)),
        ["condition", *methods],
        [[where.words, *(_full(found.get((where, name))) for name in methods)] for where in rows],
        [_meaning(asked) + numbered, INTERVALS, *_missing(asked, rows, found), *map(_said, asked.notes)],
        ["", *headings],
        [[where.words, *(_brief(found.get((where, name)), few) for name in methods)] for where in rows],
    )


def title(asked: Asked) -> str:
    """Name the flows tested; without SIMULATED."""
    names = {
        run.parameters.get(f"{group}.title")
        for run in asked.runs
        for group in ("dataset", "test_dataset")
        if run.parameters.get(f"{group}.name") == asked.target
    }
    called = next((name for name in names if name), asked.target)
    label = asked.runs[0].parameters["dataset.label"]
    return f"{called}, {label}: what is left when the question gets harder"


def ranked(found: Mapping[tuple[Condition, str], Cell]) -> list[str]:
    """Sort the methods by the hardest condition that all of them have, the best first; else leave their order."""
    methods = list(dict.fromkeys(name for _, name in found))
    for where in reversed(conditions(found)):
        if all((where, name) in found for name in methods):
            return sorted(methods, key=lambda name: -found[where, name].balanced.mean)
    return methods


def csv(asked: Asked, found: Mapping[tuple[Condition, str], Cell]) -> pl.DataFrame:
    """Return one row per condition and method, shares as fractions; null where there are no runs."""
    rows = [_numbers(where, name, found.get((where, name))) for where in conditions(found) for name in ranked(found)]
    return mark_simulated(pl.DataFrame(rows, infer_schema_length=None), simulated(asked.runs))


def _broken(name: str) -> str:
    return "\n".join(textwrap.wrap(name.replace("_", "_ "), HEADING_WIDTH)).replace("_ ", "_")


def _brief(cell: Cell | None, interval: bool) -> str:
    return cells.format_percent(cell.balanced if cell else None, interval).replace(" [", "\n[")


def _full(cell: Cell | None) -> str:
    if cell is None:
        return cells.NOTHING
    rates = f"found {cells.format_percent(cell.found)}, false {cells.format_percent(cell.false)}"
    own = "" if cell.own is None else f", own {cells.format_percent(cell.own)}"
    return f"{cells.format_percent(cell.balanced)}: {rates}{own}"


def _numbers(where: Condition, name: str, cell: Cell | None) -> dict[str, object]:
    return {
        "condition": where.question.name,
        "trained_on": where.trained_on or None,
        "method": name,
        **(seeds(cell.seeds) if cell else {"seeds": 0, "seed_list": None}),
        "unseen_attacks": cell.attacks if cell else None,
        **ends("balanced_accuracy", cell.balanced if cell else None),
        **ends("detection_rate", cell.found if cell else None),
        **ends("false_positive_rate", cell.false if cell else None),
        **ends("own_balanced_accuracy", cell.own if cell else None),
    }


def _meaning(asked: Asked) -> str:
    rate = float(asked.runs[0].parameters.get("evaluate.false_positive_rate", "nan"))
    return (
        "Balanced accuracy in percent, with its 95 % interval: the mean of the shares of attacks found and of normal "
        f"flows passed, at the threshold that calls {100 * rate:g} % of the training network's normal validation flows "
        "attacks. Where unlabelled flows of the tested network were seen, the detector's own decision counts. The "
        "attacks found, the false alarms (false) and the detector's own decision (own) are in gap.md and gap.csv."
    )


def _missing(asked: Asked, rows: Sequence[Condition], found: Mapping[tuple[Condition, str], Cell]) -> list[str]:
    without = [where for where in rows if not any(each == where for each, _ in found)]
    by_command = commands(without, asked.target, simulated(asked.runs))
    return [f"No runs yet: {', '.join(words)}; make some: {command}" for command, words in by_command.items()]


def _said(note: str) -> str:
    return f"{note[0].upper()}{note[1:]}."


BAND, LABEL_WIDTH = 0.5, 16


def plot(asked: Asked, found: Mapping[tuple[Condition, str], Cell], path: Path) -> None:
    """Draw every condition that has runs; a line joins what one method has, and skips what it has not."""
    there = [where for where in conditions(found) if any(each == where for each, _ in found)]
    methods = ranked(found)
    width, height = max(7.0, 2 + 1.3 * len(there)), 5 + 0.22 * (len(methods) // 3)
    figure, (axes,) = panels(width, height, title(asked), simulated(asked.runs))
    for place, method in enumerate(methods):
        mine = [at for at, where in enumerate(there) if (where, method) in found]
        means, reach = reaches([found[there[at], method].balanced for at in mine])
        places = np.array(mine) + BAND * ((place + 0.5) / len(methods) - 0.5)
        colour, marker = style(place)
        axes.errorbar(places, means, yerr=reach, color=colour, marker=marker, linewidth=1, elinewidth=1.4, label=method)
    axes.axhline(50, color=DARK, linestyle="--", linewidth=1)
    axes.annotate("a coin", (len(there) - 0.5, 50), (-2, 3), textcoords="offset points", ha="right", fontsize=8)
    axes.set_xticks(range(len(there)), [textwrap.fill(where.words, LABEL_WIDTH) for where in there], fontsize=8.5)
    disable_mathtext(axes.get_xticklabels())
    axes.set_xlim(-0.5, len(there) - 0.5)
    axes.set_ylabel("balanced accuracy, %, with 95 % interval", fontsize=8.5, color=DARK)
    axes.grid(True, axis="y", color=PALE)
    handles, names = axes.get_legend_handles_labels()
    legend = figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    disable_mathtext(legend.get_texts())
    write(figure, path)


def make(stores: dict[str, Store], settings: Compare, aside: Path) -> tuple[Store, Report]:
    """Every method under every condition, on one dataset; `aside` takes copies of the runs' artifacts.

    Raises:
        UserError: whatever `asked` refuses, or no method has all that one condition needs.
    """
    there = asked(stores, settings)
    found = scores(there, aside)
    if not found:
        raise UserError(
            "report=gap: no method has all runs of a condition: each with a confusion_matrix.csv that can be read, and "
            "for unseen attacks every attack on a common seed"
        )
    label = there.runs[0].parameters["dataset.label"]
    place = report.named_folder([there.target, label, *filter(None, [settings.data]), *settings.where, "gap"])
    made = report.of_page("gap", there.runs, place, page(there, found), csv(there, found), partial(plot, there, found))
    return stores.get(there.target, there.stores[there.runs[0].id]), made
