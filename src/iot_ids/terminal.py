"""What a run prints: progress while it works, a table when it is done."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from iot_ids.experiment import Fitted, Result
from iot_ids.models.classifier import Report

console = Console(soft_wrap=True)
SHOWN_FEATURES = 12


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner beside `what` while the block runs; nothing where the output is no terminal."""
    with console.status(what):
        yield


@contextmanager
def training(what: str, epochs: int, report: Report) -> Iterator[Report]:
    """A bar over the epochs, with the last score beside it; hands every epoch on to `report`."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[score]}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(what, total=None, score="")

        def shown(epoch: int, metrics: Mapping[str, float]) -> None:
            score = f"epoch {epoch + 1} of at most {epochs}, validation macro-F1 {metrics['val/f1_macro']:.3f}"
            bar.update(task, total=epochs, completed=epoch + 1, score=score)
            report(epoch, metrics)

        yield shown


def show(fitted: Fitted, result: Result, name: str, simulated: bool) -> None:
    """Print the scores beside the constant answer's, the classes, the features, and what the audit has to say."""
    dataset = fitted.prepared.config.dataset
    title = f"{'SIMULATED: ' if simulated else ''}{dataset.title}, {dataset.label}: {name}"
    console.print()
    console.print(_scores(result, title))
    console.print(_classes(result))
    names = fitted.prepared.features.pipeline.names
    more = f" and {len(names) - SHOWN_FEATURES} more" if len(names) > SHOWN_FEATURES else ""
    console.print(f"{len(names)} features: {', '.join(names[:SHOWN_FEATURES])}{more}", highlight=False)
    dropped = fitted.prepared.loaded.cleaning["dropped"]
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count) or "none"
    console.print(f"rows dropped of {fitted.prepared.loaded.cleaning['rows_in']:,}: {reasons}", highlight=False)
    for example in fitted.prepared.loaded.cleaning["examples"]:
        console.print(f"  {example}", highlight=False, markup=False)
    for sentence in result.audit["sentences"]:
        console.print(f"audit: {sentence}", style="yellow", highlight=False, markup=False)


def where(id: str, command: str) -> None:
    """Print the run's id and how to look at it."""
    console.print(f"run {id}\n{command}", highlight=False, markup=False)


def _scores(result: Result, title: str) -> Table:
    metrics = result.metrics
    table = Table(title=title, title_justify="left", caption_justify="left", title_style="bold")
    for column in ("test", "score", "constant answer"):
        table.add_column(column, justify="left" if column == "test" else "right")
    constant = metrics["test/majority_accuracy"]
    classes = sum(1 for rows in result.matrix.sum(axis=1) if rows)
    table.add_row("accuracy", _percent(metrics["test/accuracy"]), _percent(constant))
    table.add_row("balanced accuracy", _percent(metrics["test/balanced_accuracy"]), _percent(1 / classes))
    interval = f"{_percent(metrics['test/f1_macro_low'])} to {_percent(metrics['test/f1_macro_high'])}"
    table.add_row(
        f"macro-F1 (95 %: {interval})",
        _percent(metrics["test/f1_macro"]),
        _percent(2 * constant / (1 + constant) / classes),
    )
    if "test/detection_rate" in metrics:
        table.add_row("attacks found", _percent(metrics["test/detection_rate"]), "")
    if "test/false_positive_rate" in metrics:
        table.add_row("normal flows called attacks", _percent(metrics["test/false_positive_rate"]), "")
    return table


def _classes(result: Result) -> Table:
    table = Table()
    for column in ("class", "test rows", "precision", "recall", "95 % of recall", "F1"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for row in result.report.iter_rows(named=True):
        interval = f"{_percent(row['recall_low'])} to {_percent(row['recall_high'])}"
        scores = (_percent(row[name]) for name in ("precision", "recall"))
        table.add_row(row["class"], f"{row['rows']:,}", *scores, interval, _percent(row["f1"]))
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
