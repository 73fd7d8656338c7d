"""The report `shortcuts`: each beside the clean runs that agree in all else, and nothing mixed that differs in more."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from scipy import stats

from comparison.made_up import CLASSES, answered, kept
from iot_ids.common.errors import UserError
from iot_ids.comparison import selecting
from iot_ids.comparison.loading import Record, RunTable, group
from iot_ids.comparison.render import page as report
from iot_ids.comparison.reports.shortcuts import ShortcutRow, csv, page, plot, refuse_other_flows, rows, sentence
from iot_ids.protocol import TRANSDUCTIVE, protocol

SET = {
    "outliers_before_split": {"outliers.name": "iqr", "outliers.before_split": "True"},
    "scaling_before_split": {"scaler.before_split": "True"},
    "unstratified": {"split.stratified": "False"},
    "exact_duplicates": {"dataset.duplicates": "exact"},
}
IDENTIFIERS = {"identifiers": {"dataset.identifiers": "allow"}}
CLEAN = {
    "outliers.name": "none",
    "scaler.before_split": "False",
    "split.stratified": "True",
    "dataset.duplicates": "distinct",
    "dataset.identifiers": "forbid",
}


def run(seed: int, *shortcuts: str, share: float = 0.8, model: str = "gru", **parameters: str) -> Record:
    """A run as the store has it; `parameters` are written with two underscores for a point."""
    given = {key.replace("__", "."): value for key, value in parameters.items()}
    for name in shortcuts:
        given = (SET | IDENTIFIERS)[name] | given
    matrix = answered(share, 10 * seed + len("".join(shortcuts)), (60, 300, 40))
    taken = {"protocol": protocol(shortcuts), "protocol.shortcuts": ",".join(shortcuts)} if shortcuts else {}
    prints = {"config.fingerprint": f"{model}-{sorted((CLEAN | given).items())}"}
    one = kept(model, seed, matrix=matrix, parameters=CLEAN | given, tags={**taken, **prints})
    return Record(replace(one, metrics={**one.metrics, "audit/test_rows_seen_in_train": 100.0}), matrix)


def several(*shortcuts: str, seeds: Sequence[int] = range(4), share: float = 0.8, **others: str) -> list[Record]:
    return [run(seed, *shortcuts, share=share, **others) for seed in seeds]


def judged(*records: list[Record]) -> tuple[RunTable, list[ShortcutRow]]:
    gathered = group([record for them in records for record in them], CLASSES, None)
    return gathered, rows(gathered, 100, 0)[0]


@pytest.fixture
def everything() -> tuple[RunTable, list[ShortcutRow]]:
    singles = [several(name, share=0.8 + 0.03 * at) for at, name in enumerate(reversed(SET))]
    return judged(several(*SET, share=0.98), *singles, several(outliers__name="iqr"), several())


def test_lines_come_clean_first_then_single_then_all(everything: tuple[RunTable, list[ShortcutRow]]) -> None:
    assert [row.words for row in everything[1]] == [
        "clean",
        "clean, outliers=iqr on train only",
        "outliers before split",
        "scaling before split",
        "unstratified",
        "exact duplicates",
        "all of the paper's shortcuts",
    ]


@pytest.mark.parametrize("measure", ["accuracy", "f1_macro"])
def test_differences_are_paired_by_seed_with_the_corrected_interval(measure: str) -> None:
    clean, other = several(seeds=range(5)), several("unstratified", seeds=range(1, 6), share=0.9)
    _, found = judged(clean, other)
    difference = found[1].differences[measure]
    scores = [[record.run.metrics[f"test/{measure}"] for record in them] for them in (clean[1:], other[:4])]
    distances = np.subtract(scores[1], scores[0])
    reach = stats.t.ppf(0.975, 3) * np.sqrt((1 / 4 + 400 / 1280) * distances.var(ddof=1))
    assert difference.seeds == 4
    assert difference.estimate.mean == pytest.approx(distances.mean())
    assert difference.estimate.low == pytest.approx(distances.mean() - reach)
    assert difference.estimate.high == pytest.approx(distances.mean() + reach)


def test_clean_runs_have_to_agree_in_all_other_parameters() -> None:
    shortcut = several("unstratified", model__hidden_size="64")
    _, found = judged(several(model__hidden_size="32", share=0.5), several(model__hidden_size="64"), shortcut)
    assert [row.words for row in found] == ["clean", "unstratified"]
    assert abs(found[1].differences["accuracy"].estimate.mean) < 0.1
    _, alone = judged(several(model__hidden_size="32"), shortcut)
    assert [row.differences for row in alone] == [{}]
    assert "gru, all, hidden_size=64 has no clean runs" in sentence(alone, simulated=False)


def test_every_model_has_its_own_clean_runs() -> None:
    them = [
        several(*names, model=model, share=share)
        for model, share in (("gru", 0.9), ("svm", 0.6))
        for names in ([], ["exact_duplicates"])
    ]
    _, found = judged(*them)
    assert [(row.method, row.words) for row in found] == [
        ("gru, all", "clean"),
        ("gru, all", "exact duplicates"),
        ("svm, all", "clean"),
        ("svm, all", "exact duplicates"),
    ]
    assert all(abs(row.differences["accuracy"].estimate.mean) < 0.1 for row in found if row.differences)


def test_a_protocol_or_duplicates_without_a_shortcuts_name_are_no_reference() -> None:
    odd, nameless = run(0, share=0.1, dataset__duplicates="keep"), run(1, share=0.1)
    tags = {**nameless.run.tags, "protocol": "paper_recipe", "config.fingerprint": "nameless"}
    nameless = Record(replace(nameless.run, tags=tags, id="nameless"), nameless.matrix)
    gathered = group([odd, nameless, *several("unstratified"), *several()], CLASSES, None)
    found, left_out = rows(gathered, 10, 0)
    assert [row.words for row in found] == ["clean", "unstratified"]
    assert {record.run.id for method in left_out for record in method.records} == {odd.run.id, "nameless"}
    assert "duplicates kept" in page(gathered, found, left_out).notes[-1]


def test_transductive_runs_are_left_out_whatever_shortcut_they_take() -> None:
    taken = run(0, "unstratified", share=0.1, adapt__name="unlabelled")
    odd = Record(replace(taken.run, tags={**taken.run.tags, "protocol": TRANSDUCTIVE}, id="odd"), taken.matrix)
    found, left_out = rows(group([odd, *several("unstratified"), *several()], CLASSES, None), 10, 0)
    assert [row.words for row in found] == ["clean", "unstratified"]
    assert [record.run.id for method in left_out for record in method.records] == ["odd"]


def test_a_rule_for_outliers_on_train_is_named_beside_a_shortcut() -> None:
    _, found = judged(several(), several("unstratified"), several("unstratified", outliers__name="iqr"))
    assert [row.words for row in found][1:] == ["unstratified", "unstratified, outliers=iqr on train only"]


def test_identifiers_as_features_stand_beside_the_papers_and_are_not_called_so(tmp_path: Path) -> None:
    everything = (several(*SET, *IDENTIFIERS), several(*SET), several(*IDENTIFIERS, share=0.99), several())
    gathered, found = judged(*everything)
    assert [row.words for row in found] == [
        "clean",
        "identifiers",
        "all of the paper's shortcuts",
        "all of the paper's shortcuts + identifiers",
    ]
    table = pl.read_csv(io.StringIO(csv(gathered, found).write_csv()))
    assert table["protocol"].to_list() == ["clean", "identifiers", "paper_recipe", "identifiers"]
    assert "that of identifiers: +" in sentence(found, simulated=False)
    notes = page(gathered, found, []).notes
    assert sum("Not one of the paper's shortcuts" in note for note in notes) == 1
    assert not any("Identifiers" in note for note in page(*judged(several("unstratified"), several()), []).notes)


def test_one_seed_has_a_difference_without_an_interval() -> None:
    _, found = judged(several(seeds=[3]), several("unstratified", seeds=[3]))
    estimate = found[1].differences["accuracy"].estimate
    assert np.isnan(estimate.low)
    assert np.isfinite(estimate.mean)


def test_the_sentence_names_all_together_and_the_largest(everything: tuple[RunTable, list[ShortcutRow]]) -> None:
    text = sentence(everything[1], simulated=True)
    assert text.startswith(
        "SIMULATED: Compared with the clean protocol, all of the paper's shortcuts together change gru"
    )
    assert "the largest change by a single one is that of outliers before split: +" in text
    assert text.count(". ") == 0, "one sentence"


@pytest.mark.parametrize(
    ("other", "shown"),
    [
        (kept("knn", parameters={"dataset.name": "yours"}), "dataset: mine"),
        (kept("knn", parameters={"dataset.label": "binary"}), "label: category"),
        (kept("knn", parameters={"split.name": "official"}), "split: random"),
        (kept("knn", parameters={"split.test": "0.3"}), "the split's settings: split.test=0.2"),
        (kept("knn", tags={"data.sha256": "b" * 64}), f"data: {'a' * 12}"),
    ],
    ids=["dataset", "label", "split", "shares", "data"],
)
def test_runs_that_differ_in_more_than_shortcuts_are_refused(other: selecting.KeptRun, shown: str) -> None:
    with pytest.raises(UserError, match="do not belong in one table") as refusal:
        refuse_other_flows([run(0).run, run(1).run, other])
    assert shown in str(refusal.value)
    assert "report=shortcuts" not in str(refusal.value)


def test_shortcuts_may_differ_here_and_nowhere_else() -> None:
    them = [run(0).run, *(run(0, name).run for name in SET)]
    refuse_other_flows(them)
    for mixture in (them, them[1:], [them[1], them[2]]):
        with pytest.raises(UserError, match="iot-ids compare report=shortcuts"):
            selecting.refuse_mixture(mixture)
    selecting.refuse_mixture([run(0, "unstratified").run, run(1, "unstratified").run])


def test_every_form_holds_every_line(everything: tuple[RunTable, list[ShortcutRow]], tmp_path: Path) -> None:
    gathered, found = everything
    made = page(gathered, found, [])
    table = pl.read_csv(io.StringIO(csv(gathered, found).write_csv()))
    assert table["test_rows"].to_list() == [400] * 7
    assert table["seen_share"].to_list() == pytest.approx([0.25] * 7)
    assert table["difference_accuracy"].null_count() == 1
    assert table["shortcuts"].to_list()[-1] == ",".join(SET)
    markdown = report.markdown(made)
    assert "it is not a test on the same rows" in markdown
    assert len({row.count("|") for row in markdown.splitlines() if row.startswith("|")}) == 1
    screen = io.StringIO()
    report.show(made, Console(file=screen, width=100))
    assert max(map(len, screen.getvalue().splitlines())) <= 100
    assert "…" not in screen.getvalue()
    plot(gathered, found, tmp_path / "shortcuts.png")
    assert [path.name for path in tmp_path.iterdir()] == ["shortcuts.png"]
