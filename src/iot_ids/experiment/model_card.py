"""The model card of a run: what its detector is for, what it was trained on, how good it is, and where it is not.

Everything is taken from the run. Sections follow M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from iot_ids import protocol
from iot_ids.data.label import CLASS
from iot_ids.data.load import Test
from iot_ids.data.schema import Extractor
from iot_ids.experiment.state import Fitted, Result
from iot_ids.metrics.operating_point import OperatingPoint, rows_needed


def model_card(fitted: Fitted, result: Result, test: Test, run: str, commit: str) -> str:
    """Write the card as Markdown."""
    config = fitted.prepared.config
    mark = "**SIMULATED: trained or tested on generated flows. Not a detector for a real network.**\n\n"
    sections = {
        "Intended use": _intended_use(fitted),
        "Data": _data(fitted, test),
        "Scores on the test rows": _scores(result),
        "Operating point": _operating_point(fitted, result.metrics),
        "What the audit found": _list(map(_plain, result.audit["sentences"] or ["Nothing."])),
        "Limits": _list(_limits(fitted)),
        "How to reproduce": _reproduce(fitted, run, commit),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# {_plain(config.title)}: {config.model['name']}\n\n{mark if config.simulated else ''}{body}\n"


def _intended_use(fitted: Fitted) -> str:
    config, names = fitted.prepared.config, fitted.detector.classes
    normal = "" if config.normal is None else f", of which {_code(config.normal)} is not an attack"
    encoder = fitted.detector.pipeline.encoder
    columns = ", ".join(map(_code, [*encoder.numbers, *encoder.texts]))
    return (
        f"Gives a flow's class among {', '.join(map(_code, names))}{normal}, with probabilities. It reads the columns "
        f"{columns}{_made_by(config.dataset.extractor)}. {_network(config.adapt.on)}"
    )


def _network(adapted: bool) -> str:
    if adapted:
        return "It was adapted to the tested network by that network's own flows; on another one, measure it first."
    return "It belongs to the network and the kinds of attack that it was trained on; on another one, measure it first."


def _made_by(extractor: Extractor) -> str:
    if not extractor.exporter:
        return ""
    interval = "" if extractor.interval is None else f", status interval {extractor.interval:g} s"
    return f", made by {extractor.exporter}{interval}{', merged to one row per flow' if extractor.merged else ''}"


def _data(fitted: Fitted, test: Test) -> str:
    prepared = fitted.prepared
    config, loaded = prepared.config, prepared.loaded
    parts = {"training": prepared.features.train, "validation": loaded.validation, "test": test.flows}
    counts = {name: dict(part[CLASS].value_counts().iter_rows()) for name, part in parts.items()}
    classes = dict.fromkeys([*loaded.classes, *(name for part in counts.values() for name in part)])
    table = _table(
        ["class", *parts], [[_plain(each), *(f"{part.get(each, 0):,}" for part in counts.values())] for each in classes]
    )
    dropped = {reason: count for reason, count in loaded.cleaning["dropped"].items() if count}
    lost = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items()) or "none"
    elsewhere = (
        "" if config.test_dataset is None else f" Tested on another network: {_plain(config.test_dataset.title)}."
    )
    return (
        f"{_plain(config.dataset.title)}, {'generated' if config.simulated else 'published'} flows, label "
        f"{_code(config.dataset.label)}, split {_code(config.split.name)}, SHA-256 {_code(loaded.sha256)}.{elsewhere} "
        f"Rows dropped of {loaded.cleaning['rows_in']:,}: {lost}.\n\n{table}"
    )


def _scores(result: Result) -> str:
    metrics = result.metrics
    low, high = (100 * metrics[f"test/f1_macro_{end}"] for end in ("low", "high"))
    rows = [["macro-F1", f"{100 * metrics['test/f1_macro']:.2f} % (95 % interval {low:.2f} to {high:.2f})"]]
    names = {
        "accuracy": "accuracy",
        "balanced accuracy": "balanced_accuracy",
        "accuracy of the constant answer": "majority_accuracy",
        "attacks found": "detection_rate",
        "normal flows called attacks": "false_positive_rate",
    }
    there = {title: metrics[f"test/{name}"] for title, name in names.items() if f"test/{name}" in metrics}
    rows += [[title, f"{100 * share:.2f} %"] for title, share in there.items()]
    report = result.report.with_columns(pl.selectors.float().mul(100).round(2))
    classes = [[_plain(str(cell)) for cell in row] for row in report.iter_rows()]
    return f"{_table(['score', 'value'], rows)}\n\nIn percent, by class:\n\n{_table(report.columns, classes)}"


def _operating_point(fitted: Fitted, metrics: Mapping[str, float]) -> str:
    point = fitted.operating_point
    if point is None:
        return "None: the detector has no normal class, or its scores were shifted to another network."
    rate, rows = f"{100 * point.false_positive_rate:g} %", f"{point.validation_normal_rows:,}"
    if point.threshold is None:
        needed = rows_needed(point.false_positive_rate)
        return f"None: {rows} normal validation rows are too few for {rate} false alarms, which need {needed:,}."
    titles = {"attacks found": "operating/detection_rate", "false alarms": "operating/false_positive_rate"}
    found = [f"{title} {_with_interval(metrics, name)}" for title, name in titles.items() if name in metrics]
    return (
        f"An alarm is an attack score (log-odds) above {point.threshold:.6g}, set for {rate} false alarms on {rows} "
        f"normal validation rows{_out_of_reach(point)}. On the test rows: "
        f"{'; '.join(found) or 'no rows to measure it on'} (95 % intervals)."
    )


def _out_of_reach(point: OperatingPoint) -> str:
    if point.nearest is None:
        return ""
    return f" (out of reach, as scores are tied; the nearest rate is {100 * point.nearest:.4g} %)"


def _with_interval(metrics: Mapping[str, float], name: str) -> str:
    value, low, high = (100 * metrics[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{value:.2f} % ({low:.2f} to {high:.2f})"


def _limits(fitted: Fitted) -> Iterable[str]:
    prepared = fitted.prepared
    config = prepared.config
    yield from protocol.sentences(protocol.shortcuts(config))
    if config.test_dataset is None:
        yield "Tested on the network that it was trained on; `compare report=gap` shows what harder questions cost."
    yield "Kinds of attack that the training rows lack may be called normal."
    few = [name for name, count in prepared.features.train[CLASS].value_counts().iter_rows() if count < 100]
    if few:
        yield f"Fewer than 100 training rows: {', '.join(map(_code, sorted(few)))}."
    if fitted.detector.window is not None:
        yield "It reads each flow after its source's last ones, and cannot be exported."


def _reproduce(fitted: Fitted, run: str, commit: str) -> str:
    config = fitted.prepared.config
    chosen = {"scaler": config.scaler["name"], "selector": config.selector["name"], "model": config.model["name"]}
    words = " ".join(
        f"{group}={name}" for group, name in {"split": config.split.name, **chosen, "seed": config.seed}.items()
    )
    return (
        f"Run {_code(run)} of commit {_code(commit)}, {_code(words)}. Every other setting is in `config.yaml` beside "
        "this card; versions of libraries are in the model's `detector.json`."
    )


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _plain(text: str) -> str:
    """Escape what Markdown would take for a mark."""
    return "".join(f"\\{letter}" if letter in "\\`*_|<>[]" else letter for letter in text)
