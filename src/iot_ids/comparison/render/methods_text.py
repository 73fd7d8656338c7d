"""The paragraph for a paper's section on methods: what was compared, on which rows, and how it was judged."""

from collections.abc import Mapping, Sequence

from iot_ids.comparison.loading import RunTable
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.render import cells
from iot_ids.comparison.render.latex import escaped
from iot_ids.comparison.stats.seeds import FEWEST_SEEDS

DUPLICATES = {
    "distinct": "Of rows with equal features and the same finest label, only the first was kept, before the split.",
    "exact": "Of rows that are equal in all columns, identifiers included, only the first was kept, before the split.",
    "keep": "Repeated rows were kept, so equal rows may occur in both the training and the test part.",
}
VARIANCE = "(1/S + n_test/n_train) s^2"


def paragraph(gathered: RunTable, rows: Sequence[Row]) -> str:
    """Plain text, ready to be pasted."""
    sentences = [
        _data(gathered),
        _duplicates(gathered.first.parameters),
        _split(gathered),
        _test_rows(gathered),
        _seeds(gathered),
        _tuning(gathered, rows),
        _intervals(gathered),
        _tests(gathered, rows),
        _constant(rows),
    ]
    return " ".join(filter(None, sentences)) + "\n"


def latex_paragraph(gathered: RunTable, rows: Sequence[Row]) -> str:
    """The same for LaTeX."""
    text = escaped(paragraph(gathered, rows).strip()) + "\n"
    return text.replace(escaped(VARIANCE), r"$(1/S + n_{\mathrm{test}}/n_{\mathrm{train}})\,s^2$")


def _data(gathered: RunTable) -> str:
    parameters, tags = gathered.first.parameters, gathered.first.tags
    names = "; ".join(method.name for method in gathered.methods)
    origin = "SIMULATED flows, generated and not recorded: " if gathered.simulated else "the flows of "
    protocol = tags.get("protocol", "clean")
    other = parameters.get("test_dataset.title", parameters.get("test_dataset.name"))
    other_hash = tags.get("data.test_sha256", "unknown")[:16]
    tested = "" if other is None else f", tested them on another network, {other} (SHA-256 {other_hash})"
    return (
        f"We compared {len(gathered.methods)} method{'s' * (len(gathered.methods) > 1)} ({names}) on {origin}"
        f"{parameters.get('dataset.title', parameters['dataset.name'])} "
        f"(SHA-256 {tags.get('data.sha256', 'unknown')[:16]}){tested}, classified by {parameters['dataset.label']} "
        f"into {len(gathered.classes)} classes."
        + (f" The protocol was {protocol}, not our clean one." if protocol != "clean" else "")
    )


def _duplicates(parameters: Mapping[str, str]) -> str:
    return DUPLICATES.get(parameters["dataset.duplicates"], f"Duplicates: {parameters['dataset.duplicates']}.")


def _split(gathered: RunTable) -> str:
    name, metrics = gathered.first.parameters["split.name"], gathered.first.metrics
    train, test = (f"{int(metrics[f'data/{part}_rows']):,}" for part in ("train", "test"))
    validation = f"{int(metrics.get('data/validation_rows', 0)):,}"
    if "test_dataset.name" in gathered.first.parameters:
        return (
            f"The test set was the other network's {test} rows for every seed (duplicates: "
            f"{gathered.first.parameters.get('test_dataset.duplicates')}); a {name} split of the training network "
            f"gave {train} training and {validation} validation rows."
        )
    if gathered.first.parameters.get("split_seed", "None") != "None":
        return (
            f"One {name} split, the same for all seeds, gave {train} training, {validation} validation and {test} test "
            "rows."
        )
    if name == "random":
        stratified = gathered.first.parameters.get("split.stratified", "True") == "True"
        by = "stratified by class" if stratified else "not stratified"
        return (
            f"Rows were drawn at random, {by} and anew for each seed, into {train} training, "
            f"{validation} validation and {test} test rows."
        )
    if name == "official":
        return (
            f"The dataset's own test file ({test} rows, repeats kept) was the test set for every seed; its training "
            f"file was divided, stratified by class and anew for each seed, into {train} training and {validation} "
            "validation rows."
        )
    return f"The split was {name}: {train} training, {validation} validation and {test} test rows."


def _test_rows(gathered: RunTable) -> str:
    counts = ", ".join(f"{name} {count:,}" for name, count in cells.rows_per_class(gathered).items())
    clean = gathered.first.tags.get("protocol", "clean") == "clean"
    fitted = " All preprocessing was fitted on training rows; a run read its test rows once, at its end."
    return f"Test rows per class: {counts}." + fitted * clean


def _seeds(gathered: RunTable) -> str:
    counts = sorted({len(method.records) for method in gathered.methods})
    if counts == [1]:
        return "Each method was trained once."
    said = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"Each method was trained with {said} seeds, and its scores are means over them."


def _tuning(gathered: RunTable, rows: Sequence[Row]) -> str:
    tuned = [row.name for row in rows if row.tuned in ("yes", "partly")]
    if not tuned:
        return "No method's hyper-parameters were tuned by a recorded sweep; they are those of its configuration."
    counts = sorted({int(run.tags["sweep.trials"]) for run in gathered.runs if "sweep.trials" in run.tags})
    trials = f" ({' to '.join(map(str, counts[:: max(len(counts) - 1, 1)]))} trials each)" if counts else ""
    searched = f"{'; '.join(tuned)}{trials}"
    return f"Hyper-parameters were tuned by sweeps on validation rows for {searched}; others were fixed."


def _intervals(gathered: RunTable) -> str:
    if gathered.predictions is None:
        text = (
            f"95 % intervals are the mean plus or minus t times the square root of {VARIANCE} over S seeds "
            "(Nadeau and Bengio 2003), because splits share rows"
        )
        alone = any(len(method.records) == 1 for method in gathered.methods)
        return text + ("; with one seed, a bootstrap over the test rows." if alone else ".")
    over = "seeds and test rows" if len(gathered.by_seed) > 1 else "test rows"
    return f"95 % intervals are percentiles of a bootstrap over {over}, stratified by class."


def _tests(gathered: RunTable, rows: Sequence[Row]) -> str:
    if len(gathered.methods) < 2:
        return ""
    if all(row.p is None for row in rows):
        return f"With fewer than {FEWEST_SEEDS} common seeds, no significance test was made."
    test = (
        "the corrected resampled t-test" if gathered.predictions is None else "a paired bootstrap over seeds and rows"
    )
    tested = sum(row.p is not None for row in rows)
    untested = len(gathered.methods) - 1 - tested
    rest = (
        f"; {untested} had fewer than {FEWEST_SEEDS} common seeds and {'was' if untested == 1 else 'were'} not tested"
    )
    return (
        f"The macro-F1 of {tested} method{'s' * (tested > 1)} was compared with that of the best by {test}, paired by "
        f"seed, two-sided, with Holm's correction{rest if untested else ''}; the best was chosen on the same test rows."
    )


def _constant(rows: Sequence[Row]) -> str:
    row = next(row for row in rows if row.constant)
    accuracy, f1 = (cells.format_percent(row.scores[name]) for name in ("accuracy", "f1_macro"))
    return f"The {row.name} has an accuracy of {accuracy} % and a macro-F1 of {f1} %."
