"""The paper's shortcuts: how they use test rows, that nothing else does, and that a run reports them."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hydra import compose, initialize_config_dir

import compare
import train
from conftest import CONF, Workplace, typed
from iot_ids.common.errors import UserError
from iot_ids.config import Config, check, register, resolve
from iot_ids.data.clean import ROW_ID
from iot_ids.data.load import Loaded
from iot_ids.experiment import instantiate, steps
from iot_ids.experiment.state import Prepared
from iot_ids.features.scalers import MinMax
from iot_ids.protocol import sentences, shortcuts, tags

ALL = ["outliers_before_split", "scaling_before_split", "unstratified", "exact_duplicates"]
TAKEN = {
    "none": [],
    "outliers_on_train": [],
    **{name: [name] for name in ALL},
    "all": ALL,
    "identifiers": ["identifiers"],
}
BEFORE = ["outliers=iqr", "outliers.before_split=true"]


def composed(*overrides: str, conf: str = "") -> Config:
    register()
    place = [f"hydra.searchpath=[file://{conf}]"] if conf else []
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return resolve(compose("train", overrides=[*place, *overrides]))


def mine(place: Workplace, *overrides: str) -> Config:
    """Compose a configuration with naive Bayes on the workplace's flows."""
    words = ["dataset=mine", f"dataset.path={place.flows}", "cache=off", "model=naive_bayes", *overrides]
    return composed(*words, conf=str(place.folder / "my_conf"))


def planted(place: Workplace, rows: set[int], pkts: float) -> None:
    """Change the number of packets in these `rows` of the workplace's flows."""
    flows = pl.read_csv(place.flows)
    there = pl.int_range(flows.height).is_in(list(rows))
    flows.with_columns(pl.when(there).then(pkts).otherwise("pkts").alias("pkts")).write_csv(place.flows)


def row_ids(prepared: Prepared) -> dict[str, set[int]]:
    loaded = prepared.loaded
    parts = {"train": prepared.features.train, "validation": loaded.validation, "test": loaded.read_test().flows}
    return {name: set(flows[ROW_ID]) for name, flows in parts.items()}


def scale(prepared: Prepared) -> list[float]:
    """Return every number that the scaler learned."""
    return [float(value) for state in prepared.features.pipeline.scaler.state().values() for value in state.flat]


# --- what a configuration takes


@pytest.mark.parametrize("name", TAKEN)
def test_every_file_takes_what_it_is_called(name: str) -> None:
    assert shortcuts(composed(f"+shortcut={name}")) == TAKEN[name]


def test_no_file_is_forgotten_here() -> None:
    assert set(TAKEN) == {file.stem for file in CONF.glob("shortcut/*.yaml")}


@pytest.mark.parametrize("name", TAKEN)
def test_the_tags_name_protocol_and_shortcuts(name: str) -> None:
    protocol = "identifiers" if name == "identifiers" else "paper_recipe"
    expected = {"protocol": protocol, "protocol.shortcuts": ",".join(TAKEN[name])}
    assert tags(composed(f"+shortcut={name}")) == (expected if TAKEN[name] else {"protocol": "clean"})


def test_both_outlier_files_use_the_same_rule() -> None:
    train_alone, before = (
        composed(f"+shortcut={name}").outliers for name in ("outliers_on_train", "outliers_before_split")
    )
    assert {**train_alone, "before_split": True} == before


def test_a_value_typed_beside_a_shortcut_wins() -> None:
    assert composed("+shortcut=all", "outliers.factor=7").outliers["factor"] == 7


def test_one_sentence_names_what_was_taken() -> None:
    (sentence,) = sentences(["scaling_before_split", "unstratified"])
    assert "scaling learned before the split, a split that is not stratified;" in sentence
    assert sentences([]) == []


def test_identifiers_are_not_called_the_papers() -> None:
    (sentence,) = sentences(["identifiers"])
    assert sentence.startswith("This run has identifiers used as features, to show what they inflate;")
    papers, ours = sentences(["unstratified", "identifiers"])
    assert "identifiers" not in papers
    assert ours == sentence


def test_with_the_papers_shortcuts_beside_it_the_protocol_is_identifiers() -> None:
    taken = tags(composed("+shortcut=all", "dataset.identifiers=allow"))
    assert taken == {"protocol": "identifiers", "protocol.shortcuts": ",".join([*ALL, "identifiers"])}


@pytest.mark.parametrize("words", [BEFORE, ["scaler.before_split=true"]], ids=["outliers", "scaler"])
def test_official_test_rows_cannot_be_looked_at_before(words: list[str]) -> None:
    with pytest.raises(UserError, match=r"before_split=true is not possible with split=official"):
        check(composed("split=official", *words))


def test_official_splits_may_count_duplicates_as_the_paper_does() -> None:
    config = composed("split=official", "dataset.duplicates=exact")
    check(config)
    assert shortcuts(config) == ["exact_duplicates"]


def test_a_users_own_scaler_says_yes_or_no(workplace: Workplace) -> None:
    folder = workplace.folder / "my_conf" / "scaler"
    folder.mkdir()
    (folder / "own.yaml").write_text("name: own\n_target_: iot_ids.features.scalers.MinMax\nbefore_split: sometimes\n")
    with pytest.raises(UserError, match=r"scaler\.before_split=sometimes must be true or false"):
        check(mine(workplace, "scaler=own"))


def test_before_split_is_not_handed_to_the_users_class_or_function() -> None:
    scaler = instantiate.scaler({"name": "x", "_target_": "iot_ids.features.scalers.MinMax", "before_split": True})
    assert isinstance(scaler, MinMax)
    rule = instantiate.rule(
        {"name": "x", "_target_": "iot_ids.features.outliers.iqr", "factor": 1.5, "before_split": True}
    )
    assert rule is not None
    assert rule(np.array([[1], [2], [3], [90]], dtype=np.float32)).tolist() == [True, True, True, False]


# --- when test rows are read


@pytest.mark.parametrize("name", TAKEN)
def test_preparing_reads_test_rows_under_two_shortcuts_only(
    name: str, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def watched(*arguments: Any) -> Loaded:
        loaded = load(*arguments)
        read = loaded.read_test
        object.__setattr__(loaded, "read_test", lambda: reads.append("test") or read())
        return loaded

    load = steps.load
    monkeypatch.setattr(steps, "load", watched)
    steps.prepare(mine(workplace, f"+shortcut={name}"))
    assert bool(reads) == any(taken.endswith("before_split") for taken in TAKEN[name])


# --- scaling before the split


@pytest.mark.parametrize("scaler", ["minmax", "quantile"])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_an_extreme_row_outside_train_sets_the_scale_only_before_the_split(
    part: str, scaler: str, workplace: Workplace
) -> None:
    words = [(f"scaler={scaler}", f"scaler.before_split={before}") for before in ("false", "true")]
    parts = row_ids(steps.prepare(mine(workplace)))
    before = [steps.prepare(mine(workplace, *each)) for each in words]
    planted(workplace, set(sorted(parts[part])[:5]), 1e6)
    after = [steps.prepare(mine(workplace, *each)) for each in words]
    clean, leaky = ([scale(each[at]) for each in (before, after)] for at in (0, 1))
    assert clean[0] == clean[1]
    assert leaky[0] != leaky[1]
    assert max(leaky[1]) > 9e5


def test_the_scale_is_that_of_all_rows(workplace: Workplace) -> None:
    pipeline = steps.prepare(mine(workplace, "scaler.before_split=true")).features.pipeline
    every = pl.read_csv(workplace.flows)["pkts"].cast(pl.Float32)
    low, span = (pipeline.scaler.state()[name][pipeline.names.index("pkts")] for name in ("low", "span"))
    assert (low, low + span) == (pytest.approx(every.min()), pytest.approx(every.max()))


def test_columns_and_categories_are_still_chosen_on_train(workplace: Workplace) -> None:
    parts = row_ids(steps.prepare(mine(workplace)))
    flows = pl.read_csv(workplace.flows)
    there = pl.int_range(flows.height).is_in(list(parts["test"]))
    flows.with_columns(pl.when(there).then(pl.lit("new")).otherwise("proto").alias("proto")).write_csv(workplace.flows)
    words = ["selector=pearson", "selector.k=3"]
    clean, leaky = (steps.prepare(mine(workplace, *words, *more)) for more in ([], ["scaler.before_split=true"]))
    assert leaky.features.selection.table().equals(clean.features.selection.table())
    assert "proto=new" not in leaky.features.selection.names


# --- outliers before the split


def test_test_rows_are_dropped_only_before_the_split(workplace: Workplace) -> None:
    parts = row_ids(steps.prepare(mine(workplace)))
    extreme = {name: min(rows) for name, rows in parts.items()}
    planted(workplace, set(extreme.values()), 1e6)
    on_train = row_ids(steps.prepare(mine(workplace, "outliers=iqr")))
    assert on_train == parts | {"train": parts["train"] - {extreme["train"]}}
    before = row_ids(steps.prepare(mine(workplace, *BEFORE)))
    assert before == {name: rows - {extreme[name]} for name, rows in parts.items()}


def test_the_bounds_are_those_of_all_rows(workplace: Workplace) -> None:
    parts = row_ids(steps.prepare(mine(workplace)))
    left = row_ids(steps.prepare(mine(workplace, *BEFORE, "outliers.factor=0.3")))
    x = pl.read_csv(workplace.flows).select("pkts", "rate", "size").cast(pl.Float32).to_numpy().astype(np.float64)
    low, high = np.percentile(x, 25, axis=0), np.percentile(x, 75, axis=0)
    inside = ((x >= low - 0.3 * (high - low)) & (x <= high + 0.3 * (high - low))).all(axis=1)
    expected = set(np.flatnonzero(inside))
    assert 50 < len(expected) < 230
    assert left == {name: rows & expected for name, rows in parts.items()}


def test_every_dropped_row_is_counted(workplace: Workplace) -> None:
    whole = row_ids(steps.prepare(mine(workplace)))
    prepared = steps.prepare(mine(workplace, *BEFORE, "outliers.factor=0.3"))
    left, report = row_ids(prepared), prepared.loaded.cleaning
    assert report["rows_in"] == 240 == report["rows_out"] + sum(report["dropped"].values())
    assert report["rows_out"] == sum(map(len, left.values())) == sum(report["classes"].values())
    assert report["outliers_before_split"] == {name: len(whole[name] - left[name]) for name in whole}
    assert min(report["outliers_before_split"].values()) > 0


def test_a_class_of_outliers_alone_is_refused_by_name(workplace: Workplace) -> None:
    kinds = pl.read_csv(workplace.flows)["kind"]
    planted(workplace, {row for row, kind in enumerate(kinds) if kind == "Scan"}, 1e6)
    # A third of the rows would set the quartiles, so the other classes are repeated.
    flows = pl.read_csv(workplace.flows)
    others = flows.filter(pl.col("kind") != "Scan")
    more = pl.concat([others.with_columns(pl.col("pkts", "rate") + step / 97) for step in range(4)])
    pl.concat([flows, more]).write_csv(workplace.flows)
    with pytest.raises(UserError, match="every training row of 'Scan'"):
        steps.prepare(mine(workplace, *BEFORE))


# --- unstratified


def single(place: Workplace, part: str) -> list[str]:
    """Make row 0 the only Scan, and return a seed with which an unstratified split puts it into `part`."""
    flows = pl.read_csv(place.flows)
    kind = pl.when(pl.int_range(flows.height) == 0).then(pl.lit("Scan")).otherwise(pl.lit("Flood"))
    normal = pl.col("kind") == "Normal"
    first = pl.int_range(flows.height) == 0
    flows.with_columns(pl.when(normal & ~first).then("kind").otherwise(kind).alias("kind")).write_csv(place.flows)
    config = mine(place, "split.stratified=false", "seed=0")
    for seed in range(50):
        prepared = steps.prepare(replace(config, seed=seed))
        there = {"train": prepared.loaded.train, "test": prepared.loaded.read_test().flows}
        found = next((name for name, rows in there.items() if 0 in rows[ROW_ID]), "validation")
        if found == part:
            return ["split.stratified=false", f"seed={seed}"]
    raise AssertionError(f"no seed puts the row into {part}")


def assert_reported(part: str, predictions: pl.DataFrame, report: pl.DataFrame) -> None:
    """Only a class of the training rows has probabilities, and one of the test rows is in the report too."""
    known = ["Normal", "Flood", "Scan"] if part == "train" else ["Normal", "Flood"]
    assert [name for name in predictions.columns if "/" in name] == [f"probability/{name}" for name in known]
    assert report["class"].to_list() == (["Normal", "Flood"] if part == "validation" else ["Normal", "Flood", "Scan"])
    assert report["rows"].to_list()[2:] == {"train": [0], "validation": [], "test": [1]}[part]


@pytest.mark.parametrize("model", ["svm", "mlp"])
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_every_kind_of_model_bears_that_a_class_is_missing(part: str, model: str, workplace: Workplace) -> None:
    words = [*single(workplace, part), f"model={model}", "trainer=cpu", "trainer.max_epochs=3"]
    prepared = steps.prepare(mine(workplace, *words, "evaluate.replicates=10"))
    test = prepared.loaded.read_test()
    result = steps.evaluate(steps.fit(prepared, lambda *_: None), test)
    assert_reported(part, result.predictions, result.report)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_class_may_miss_from_any_part(part: str, workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    words = single(workplace, part)
    assert typed(monkeypatch, train, *workplace.words(*words, "model=naive_bayes")) == 0
    (run,) = workplace.runs()
    folder = workplace.artifacts(run)
    tables = pl.read_parquet(folder / "predictions.parquet"), pl.read_csv(folder / "classification_report.csv")
    assert_reported(part, *tables)
    cleaning = json.loads((folder / "cleaning.json").read_text())
    assert cleaning["rows_out"] == cleaning["train"] + cleaning["validation"] + cleaning["test"]
    assert cleaning["rows_in"] == cleaning["rows_out"] + sum(cleaning["dropped"].values())
    assert cleaning["rows_out"] == (239 if part == "validation" else 240)


# --- runs as a user makes them


def test_a_run_says_what_it_took_and_does_not_stand_beside_a_clean_one(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    quick = ["model=naive_bayes", "seed=0"]
    assert typed(monkeypatch, train, *workplace.words(*quick)) == 0
    assert "shortcut" not in capfd.readouterr().out
    assert typed(monkeypatch, train, *workplace.words(*quick, "+shortcut=scaling_before_split")) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "audit: This run takes the paper's shortcuts: scaling learned before the split; its scores are not" in said
    leaky, clean = workplace.runs()
    findings = [json.loads((workplace.artifacts(run) / "audit.json").read_text()) for run in (leaky, clean)]
    assert [each["shortcuts"] for each in findings] == [["scaling_before_split"], []]
    assert (leaky.data.tags["protocol"], clean.data.tags["protocol"]) == ("paper_recipe", "clean")
    assert "protocol.shortcuts" not in clean.data.tags
    assert leaky.data.tags["config.fingerprint"] != clean.data.tags["config.fingerprint"]
    assert typed(monkeypatch, compare, "log=false") == 1
    error = capfd.readouterr().err
    assert "protocol: clean (1 run), paper_recipe (1 run)" in error
    assert "adding, for example: protocol=clean" in error


@pytest.mark.slow
def test_one_command_runs_the_recipe_and_typed_values_replace_its_own(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = workplace.words("+experiment=paper_recipe", "+shortcut=none,all", "seed=7", "model=naive_bayes")
    assert typed(monkeypatch, train, "-m", *words, "selector.k=2") == 0
    runs = {run.data.tags["protocol"]: run for run in workplace.runs()}
    assert len(workplace.runs()) == len(runs) == 2
    assert runs["paper_recipe"].data.tags["protocol.shortcuts"] == ",".join(ALL)
    assert {run.data.params["seed"] for run in runs.values()} == {"7"}
