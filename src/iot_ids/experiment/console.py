"""Print a run's progress, and its results when it is done."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from iot_ids.common.text import list_first, plain_console
from iot_ids.data.load import Test
from iot_ids.experiment.state import Fitted, Result
from iot_ids.experiment.unseen_attacks import Unseen
from iot_ids.metrics import operating_point
from iot_ids.models.classifier import Report

console = plain_console(soft_wrap=True)
SHOWN_FEATURES = 12


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show a spinner beside `what` while the block runs, if the output is a terminal."""
    with console.status(Text(what)):
        yield


@contextmanager
def training(what: str, epochs: int, report: Report) -> Iterator[Report]:
    """Show a progress bar with the latest score; yield a callback that updates it and passes each epoch to `report`."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[score]}"),
    )
    shows = console.is_terminal  # in a file or pipe, the transient bar would leave an empty line behind
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=not shows) as bar:
        task = bar.add_task(what, total=None, score="")

        def shown(epoch: int, metrics: Mapping[str, float]) -> None:
            score = f"{epoch + 1} of at most {epochs} epochs, validation macro-F1 {metrics['val/f1_macro']:.3f}"
            bar.update(task, total=epochs, completed=epoch + 1, score=score)
            report(epoch, metrics)

        yield shown


def show(fitted: Fitted, result: Result, test: Test, name: str, simulated: bool) -> None:
    """Print the scores beside those of a constant answer, the scores of each class, the features and the audit."""
    dataset = fitted.prepared.config.dataset
    title = f"{'SIMULATED: ' if simulated else ''}{fitted.prepared.config.title}, {dataset.label}: {name}"
    console.print()
    console.print(_scores(result, title, fitted.prepared.config.normal))
    console.print(_classes(result))
    names = fitted.prepared.features.pipeline.names
    console.print(f"{len(names)} features: {list_first(names, SHOWN_FEATURES)}", highlight=False)
    for line in (*_operating_point(fitted, result), *_unseen(result), *_rows(fitted, test)):
        console.print(line, highlight=False)
    for sentence in result.audit["sentences"]:
        console.print(f"audit: {sentence}", style="yellow", highlight=False)


def _operating_point(fitted: Fitted, result: Result) -> Iterator[str]:
    """Describe what the threshold detects and costs, or why it cannot be set, and how well calibrated the model is."""
    metrics, point = result.metrics, fitted.operating_point
    if point is not None:
        rate, rows = f"{_short(point.false_positive_rate)} %", point.validation_normal_rows
        if point.threshold is None:
            needed = operating_point.rows_needed(point.false_positive_rate)
            yield (
                f"no threshold for a {rate} false-positive rate: it needs {needed:,} normal validation rows, there are "
                f"{rows:,}; set evaluate.false_positive_rate"
            )
        else:
            rates = "; ".join(_rates(metrics, fitted.prepared.config.evaluate.flows_per_day))
            set_on = f"{rows:,} normal rows, threshold {point.threshold:.4g} in log-odds"
            yield f"at {rate} false positives on validation ({set_on}): {rates}"
    before, after = (_percent(metrics[f"test/expected_calibration_error{which}"]) for which in ("_uncalibrated", ""))
    temperature = metrics["calibration/temperature"]
    yield f"calibration error in percentage points: {before}, {after} after scaling by temperature {temperature:.3g}"


def _unseen(result: Result) -> Iterator[str]:
    """Describe how many rows of the attacks left out of training were detected, and which classes were predicted."""
    if result.unseen is None:
        return
    found, low, high = (_percent(result.metrics[f"unseen/detection_rate{end}"]) for end in ("", "_low", "_high"))
    yield f"attacks left out of training: {found} % detected [{low}, {high}] at that threshold"
    if seen := result.metrics["unseen/rows_seen_in_train"]:
        yield f"  {seen:,.0f} of these rows equal a training row of another class in every selected feature"
    for (attack,), table in result.unseen.predicted_as.group_by("attack", maintain_order=True):
        classes = ", ".join(f"{_percent(share)} % {name}" for name, share in table.select("taken_for", "share").rows())
        yield f"  {attack} ({table['rows'].sum():,} rows) was predicted as {classes}"


def _rates(metrics: Mapping[str, float], flows_per_day: int) -> Iterator[str]:
    """Describe the operating point on test rows, with 95 % intervals; a rate without rows to measure it is omitted."""
    for name, words in (
        ("detection_rate", "% of attacks found"),
        ("false_positive_rate", "% of normal flows called attacks"),
    ):
        if f"operating/{name}" in metrics:
            share, low, high = (_percent(metrics[f"operating/{name}{end}"]) for end in ("", "_low", "_high"))
            yield f"{share} {words} [{low}, {high}]"
    if "operating/alerts_per_day" in metrics:
        alerts, low, high = (f"{metrics[f'operating/alerts_per_day{end}']:,.0f}" for end in ("", "_low", "_high"))
        yield f"{alerts} false alarms a day if all of {flows_per_day:,} flows are normal [{low}, {high}]"


def _rows(fitted: Fitted, test: Test) -> Iterator[str]:
    """Describe which rows were dropped from the files and by the outlier rule, and what was guessed."""
    prepared = fitted.prepared
    elsewhere = "official test file: " if prepared.config.test_dataset is None else "test_dataset: "
    for name, report in (("", prepared.loaded.cleaning), (elsewhere, test.cleaning)):
        if report is None:
            continue
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report["dropped"].items() if count) or "none"
        yield f"{name}rows dropped of {report['rows_in']:,}: {reasons}"
        yield from (f"  {example}" for example in report["examples"])
        if (times := report["times"]) and times["guessed"]:
            guess = f"{times['column']} was read as {times['format']}, which is a guess"
            yield f"{name}{guess}; if it is wrong, set dataset.columns.time_format"
        for file, count in report["only_first_rows_read"].items():
            yield f"only the first {count:,} rows of {file} were read"
    if outliers := prepared.loaded.train.height - prepared.features.train.height:
        yield f"training rows dropped as outliers: {outliers:,}"
    if left := prepared.loaded.cleaning["files_not_read"]:
        yield f"in the folder, but not read: {list_first(left, 5)}"


def line(result: Result, name: str, seconds: float) -> None:
    """Print one run of many on a line: name, accuracy, macro-F1 with its interval, seconds to fit."""
    metrics = result.metrics
    name = f"SIMULATED: {name}" if result.fitted.prepared.config.simulated else name
    interval = f"[{_percent(metrics['test/f1_macro_low'])}, {_percent(metrics['test/f1_macro_high'])}]"
    scores = f"accuracy {_percent(metrics['test/accuracy'])}, macro-F1 {_percent(metrics['test/f1_macro'])} {interval}"
    if result.unseen is not None:
        scores += f", {_percent(metrics['unseen/detection_rate'])} of unseen {_attacks(result.unseen)} found"
    console.print(f"{name}: {scores}, {seconds:.1f} s to fit", highlight=False)


def _attacks(unseen: Unseen) -> str:
    return ", ".join(unseen.predicted_as["attack"].unique(maintain_order=True))


def say(words: str) -> None:
    """Print a line of plain text."""
    console.print(words, highlight=False)


def skipped(name: str, id: str, made_by: str, now: str) -> None:
    """Print which finished run makes this one unnecessary, and its commit where that differs from the current one."""
    other = "" if made_by == now else f", with other code: commit {_commit(made_by)}, now {_commit(now)}"
    console.print(f"{name}: skipped, already finished as run {id}{other}", highlight=False)


def _commit(commit: str) -> str:
    """Shorten a commit to seven digits; a trailing `-dirty` stays."""
    return commit[:7] + commit[40:]


def where(id: str, command: str) -> None:
    """Print the run's id and how to look at it."""
    console.print(f"run {id}\n{command}", highlight=False)


def _scores(result: Result, title: str, normal: str | None) -> Table:
    metrics = result.metrics
    table = Table(title=title, title_justify="left", caption_justify="left", title_style="bold")
    for column in ("test", "score", "constant answer"):
        table.add_column(column, justify="left" if column == "test" else "right")
    constant = metrics["test/majority_accuracy"]
    classes = sum(1 for rows in result.matrix.sum(axis=1) if rows)
    table.add_row("accuracy", _percent(metrics["test/accuracy"]), _percent(constant))
    table.add_row("balanced accuracy", _percent(metrics["test/balanced_accuracy"]), _percent(1 / classes))
    interval = f"{_percent(metrics['test/f1_macro_low'])} to {_percent(metrics['test/f1_macro_high'])}"
    constant_f1 = 2 * constant / (1 + constant) / classes
    table.add_row(f"macro-F1 (95 %: {interval})", _percent(metrics["test/f1_macro"]), _percent(constant_f1))
    attack = 0.0 if result.classes[result.matrix.sum(axis=1).argmax()] == normal else 1.0
    for words, name in (("attacks found", "detection_rate"), ("normal flows called attacks", "false_positive_rate")):
        if f"test/{name}" in metrics:
            table.add_row(words, _percent(metrics[f"test/{name}"]), _percent(attack))
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


def _short(share: float) -> str:
    return f"{100 * share:.4g}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
