"""`notebooks/comparison.ipynb`: stored bare, and executed as it is stored, on runs made as a user makes them."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import matplotlib.image
import nbformat
import numpy as np
import polars as pl
import pytest
from mlflow import MlflowClient
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from scipy import stats

import train
from conftest import typed

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "notebooks" / "comparison.ipynb"
MODELS = ("knn", "naive_bayes", "majority")
slow = pytest.mark.slow


def stored() -> NotebookNode:
    return nbformat.read(FILE, as_version=4)


def executed(notebook: NotebookNode, folder: Path, patch: pytest.MonkeyPatch, settings: Path) -> NotebookNode:
    """The notebook after a kernel of its own ran it in `folder`."""
    patch.setenv("PYTHONPATH", str(ROOT / "src"))
    patch.setenv("IPYTHONDIR", str(settings))  # nobody's own settings
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def answer(notebook: NotebookNode, name: str, kind: str) -> str:
    """What the cell of that id shows, as `text/markdown`, `text/plain` or `image/png`."""
    cell = next(cell for cell in notebook.cells if cell.id == name)
    return "".join(output.data[kind] for output in cell.outputs if kind in output.get("data", {}))


def first_numbers(text: str, count: int) -> list[float]:
    """The first numbers that stand bold, in order."""
    return [float(found.replace(",", "")) for found in re.findall(r"\*\*(?:n = )?(\d[\d.,]*)", text)][:count]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a user trained three cheap methods with two seeds each on a few generated flows."""
    folder = tmp_path_factory.mktemp("notebook")
    words = [f"model={','.join(MODELS)}", "seed=0,1", "dataset.rows=600", "evaluate.replicates=10", "cache.path=cache"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert typed(patch, train, "-m", *words) == 0
    (folder / "notebooks").mkdir()
    return folder


@pytest.fixture(scope="module")
def shown(workplace: Path, tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """The stored notebook, unchanged, executed one folder below the store, as it lies in the repository."""
    with pytest.MonkeyPatch.context() as patch:
        return executed(stored(), workplace / "notebooks", patch, tmp_path_factory.mktemp("ipython"))


@pytest.fixture(scope="module")
def kept(workplace: Path) -> list[dict[str, Any]]:
    """What MLflow says of the runs: model, seed, metrics, and the rows and answers of each class."""
    client = MlflowClient(f"sqlite:///{workplace}/mlruns/mlflow.db")
    runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    facts = []
    for run in runs:
        folder = Path(run.info.artifact_uri.removeprefix("file://"))
        table = pl.read_csv(folder / "confusion_matrix.csv")
        matrix = table.select(table["label"].to_list()).to_numpy()
        labels = dict(zip(table["label"], matrix.sum(axis=1).tolist(), strict=True))
        facts.append({**run.data.params, **run.data.metrics, "labels": labels})
    return facts


def mean(kept: list[dict[str, Any]], model: str, metric: str) -> float:
    return float(np.mean([run[metric] for run in kept if run["model.name"] == model]))


def test_it_is_stored_without_outputs_or_anything_of_a_machine() -> None:
    cells = [cell for cell in stored().cells if cell.cell_type == "code"]
    assert cells
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    assert {cell.execution_count for cell in cells} == {None}
    assert FILE.stat().st_size < 30_000
    assert not re.search(r"(?<![\w./:])/\w+/\w|[A-Z]:\\\\", FILE.read_text())  # an absolute path
    assert set(json.loads(FILE.read_text())["metadata"]) == {"kernelspec", "language_info"}


def test_its_links_lead_to_files() -> None:
    texts = [cell.source for cell in stored().cells if cell.cell_type == "markdown"]
    targets = [target for text in texts for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)]
    assert targets
    for target in targets:
        assert (FILE.parent / target).exists(), target


@slow
def test_it_says_what_was_run_and_shows_the_table(shown: NotebookNode, kept: list[dict[str, Any]]) -> None:
    heading = answer(shown, "flows", "text/markdown")
    assert heading.startswith("**SIMULATED: ")
    train, test = (round(kept[0][f"data/{part}_rows"]) for part in ("train", "test"))
    assert f"{train:,} flows to train on, {test:,} to test on" in heading
    table = answer(shown, "show-table", "text/markdown")
    for model in MODELS:
        assert re.search(rf"SIMULATED ┆ {model}, all +┆ 2 +┆ 0 1 ", answer(shown, "methods", "text/plain"))
        name = model.replace("_", "\\_")
        assert f"| {name}, all | {100 * mean(kept, model, 'test/f1_macro'):.2f} " in table
    assert "| constant answer (" in table


@slow
def test_the_pictures_are_there_and_nothing_went_to_the_error_stream(shown: NotebookNode, tmp_path: Path) -> None:
    for name in ("show-forest", "show-matrices"):
        picture = tmp_path / f"{name}.png"
        picture.write_bytes(base64.b64decode(answer(shown, name, "image/png")))
        height, width, _ = matplotlib.image.imread(picture).shape
        assert 200 < height < width < 2500, name
    streams = [output for cell in shown.cells for output in cell.get("outputs", []) if output.output_type == "stream"]
    assert [output.name for output in streams] == ["stdout"]
    assert "mlflow ui --backend-store-uri sqlite:////" in streams[0].text


@slow
def test_the_constant_answers_numbers_are_those_of_the_store(shown: NotebookNode, kept: list[dict[str, Any]]) -> None:
    share = np.mean([run["test/majority_accuracy"] for run in kept])
    counts = [list(run["labels"].values()) for run in kept]
    f1 = np.mean([2 * max(rows) / (sum(rows) + max(rows)) / sum(row > 0 for row in rows) for rows in counts])
    said = first_numbers(answer(shown, "never-looks", "text/markdown"), 2)
    assert said == pytest.approx([100 * share, 100 * f1], abs=0.006)
    best = max(MODELS, key=lambda model: mean(kept, model, "test/f1_macro"))
    accuracy = 100 * mean(kept, best, "test/accuracy")
    assert f"{accuracy:.2f} %, lies {accuracy - 100 * share:.2f} points above" in answer(
        shown, "never-looks", "text/markdown"
    )


@slow
def test_both_rankings_are_those_of_the_store(shown: NotebookNode, kept: list[dict[str, Any]]) -> None:
    shown_lines = answer(shown, "ranks", "text/plain").splitlines()
    places = {}
    for metric in ("test/accuracy", "test/f1_macro"):
        scores = {model: mean(kept, model, metric) for model in MODELS}
        scores["constant"] = scores["majority"]  # here the largest class of train and test rows is the same
        places[metric] = {name: 1 + sum(other > scores[name] for other in scores.values()) for name in scores}
    for model in MODELS:
        cells = next(line for line in shown_lines if f"┆ {model}, all" in line).strip("│").split("┆")
        assert [int(cell) for cell in cells[-2:]] == [places[metric][model] for metric in places]
    moved = sum(places["test/accuracy"][name] != places["test/f1_macro"][name] for name in places["test/accuracy"])
    assert f"**{moved} of {len(MODELS) + 1}** rows" in answer(shown, "moved", "text/markdown")


@slow
def test_the_rare_class_has_its_n_and_its_interval(shown: NotebookNode, kept: list[dict[str, Any]]) -> None:
    labels = kept[0]["labels"]  # stratified: the same for every seed
    rarest, total = min(labels, key=labels.get), sum(labels.values())
    text = answer(shown, "rarest", "text/markdown")
    assert text.startswith(f"**{rarest}** has **n = {labels[rarest]}** of {total:,} test flows")
    assert first_numbers(text, 3)[1:] == pytest.approx([100 * labels[rarest] / total, 100 / len(labels)], abs=0.06)
    best = max(MODELS, key=lambda model: mean(kept, model, "test/f1_macro"))
    recalls = [run[f"test/recall/{rarest}"] for run in kept if run["model.name"] == best]
    found, low, high = map(float, re.findall(r"finds \*\*([\d.]+) \[([\d.]+), ([\d.]+)\]", text)[0])
    assert found == pytest.approx(100 * np.mean(recalls), abs=0.006)
    assert (low, high) == pytest.approx(interval(recalls, labels[rarest], kept[0]), abs=0.006)


def interval(recalls: list[float], rows: int, run: dict[str, Any]) -> tuple[float, float]:
    """In percent: Nadeau and Bengio's over seeds, or Wilson's where no seed differs, as docs/comparison.md has it."""
    middle, spread = np.mean(recalls), np.std(recalls, ddof=1)
    if spread == 0:
        ends = stats.binomtest(round(middle * rows), rows).proportion_ci(method="wilson")
        return 100 * ends.low, 100 * ends.high
    ratio = run["data/test_rows"] / run["data/train_rows"]
    reach = stats.t.ppf(0.975, len(recalls) - 1) * np.sqrt((1 / len(recalls) + ratio) * spread**2)
    return 100 * max(0, middle - reach), 100 * min(1, middle + reach)


@slow
def test_reading_changes_nothing(shown: NotebookNode, workplace: Path, kept: list[dict[str, Any]]) -> None:
    assert not list((workplace / "notebooks").iterdir())
    assert len(kept) == len(MODELS) * 2


@slow
def test_no_store_is_one_message_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = stored()
    parameters = next(cell for cell in notebook.cells if cell.id == "parameters")
    parameters.source = parameters.source.replace("STORE = None", f'STORE = "sqlite:///{tmp_path}/nowhere/mlflow.db"')
    with pytest.raises(CellExecutionError):
        executed(notebook, tmp_path, monkeypatch, tmp_path / "ipython")
    failed = [output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    assert [output.ename for output in failed] == ["UserError"]
    assert len(failed[0].traceback) == 1
    assert "there is no store at" in failed[0].traceback[0]
    assert "train first" in failed[0].traceback[0]
