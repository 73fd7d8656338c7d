"""`report=selection` and `report=shortcuts` as a user types them, on runs that a user's multirun made."""

import polars as pl
import pytest
from hydra import compose, initialize_config_dir

import compare
import train
from conftest import CONF, Workplace, typed
from iot_ids.config import register
from iot_ids.features.spec import SELECTIONS

QUICK = ["dataset.rows=600", "trainer=cpu", "evaluate.replicates=10"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A model with and without selection, and another with two shortcuts, each with two seeds."""
    folder = tmp_path_factory.mktemp("reports")
    words = [*QUICK, f"cache.path={folder}/cache", "seed=0,1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for more in (
            ["+experiment=selection", "+selection=all,pearson_5", "model=naive_bayes"],
            ["+experiment=paper_recipe", "+shortcut=none,unstratified,exact_duplicates", "model=knn"],
        ):
            assert typed(patch, train, "-m", *more, *words) == 0
    return Workplace(folder, folder)


@pytest.fixture
def here(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.chdir(place.folder)
    return place


@pytest.mark.slow
def test_selection(here: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert typed(monkeypatch, compare, "report=selection", "protocol=clean") == 0
    page = " ".join(capfd.readouterr().out.split())
    assert "SIMULATED: Selection" in page
    assert "knn has no runs without selection" in page
    folder = here.folder / "comparison" / "simulated-category-random-selection"
    assert sorted(path.name for path in folder.iterdir()) == ["selection.csv", "selection.md", "selection.png"]
    table = pl.read_csv(folder / "selection.csv")
    assert set(table["model"]) == {"naive_bayes", "knn"}
    assert sorted(table.filter(pl.col("selector") == "pearson")["features"]) == [5, 8]
    whole = table.filter(pl.col("selector") == "all")
    runs = [run for run in here.runs() if run.data.params.get("selector.name") == "all"]
    assert set(whole["features"]) == {max(int(run.info.run_name.split("-")[-2]) for run in runs)}
    mine = [run.data.metrics for run in runs if run.data.params["model.name"] == "naive_bayes"]
    row = whole.filter(pl.col("model") == "naive_bayes").row(0, named=True)
    for column, metric in (
        ("f1_macro", "test/f1_macro"),
        ("predict_seconds", "time/predict_seconds"),
        ("seen_rows", "audit/test_rows_seen_in_train"),
    ):
        assert row[column] == pytest.approx(sum(metrics[metric] for metrics in mine) / 2), column


@pytest.mark.slow
def test_shortcuts(here: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert typed(monkeypatch, compare, "report=shortcuts") == 0
    assert "it is not a test on the same rows" in " ".join(capfd.readouterr().out.split())
    folder = here.folder / "comparison" / "simulated-category-random-shortcuts"
    assert sorted(path.name for path in folder.iterdir()) == ["shortcuts.csv", "shortcuts.md", "shortcuts.png"]
    table = pl.read_csv(folder / "shortcuts.csv")
    assert table["shortcuts"].to_list() == [None, "unstratified", "exact_duplicates"]
    assert table["common_seeds"].to_list() == [None, 2, 2]
    kept = next(run for run in here.runs() if run.data.params.get("report") == "shortcuts")
    assert (kept.data.tags["kind"], kept.data.tags["protocol"]) == ("comparison", "clean, paper_recipe")
    assert (here.artifacts(kept) / "shortcuts.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "iot-ids compare report=shortcuts"),
        (["report=selection"], "iot-ids compare report=shortcuts"),
        (["protocol=paper_recipe"], "iot-ids compare report=shortcuts"),
        (["report=chart"], "report=chart: there are gap, selection, shortcuts, table, unseen"),
        (["report=selection", "run=abc"], "run=abc makes the paper's table of one run; leave out report=selection"),
        (["report=selection", "protocol=clean", "where=[selector.name:all]"], "no run selects features"),
        (["report=shortcuts", "protocol=clean"], "no run took a shortcut"),
    ],
)
def test_a_mistake_is_one_message(
    words: list[str],
    message: str,
    here: Workplace,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert typed(monkeypatch, compare, *words) == 1
    error = capfd.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_the_experiment_runs_every_selection_with_min_max_scaling() -> None:
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        whole = compose("train", overrides=["+experiment=selection"], return_hydra_config=True)
        swept = whole.hydra.sweeper.params["+selection"].split(",")
        found = {name: compose("train", overrides=["+experiment=selection", f"+selection={name}"]) for name in swept}
    assert sorted(swept) == sorted(SELECTIONS)
    assert whole.selector.name == "all"
    assert {config.scaler.name for config in found.values()} == {"minmax"}
    for name, config in found.items():
        assert "_".join(filter(None, [config.selector.name, str(config.selector.get("k", ""))])) == name
