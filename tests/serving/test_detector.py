"""The kept detector: raw columns in, probabilities out, the same after loading in another process."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from campaign.child import run
from iot_ids.common.errors import UserError
from iot_ids.data.clean import ROW_ID
from iot_ids.data.schema import Columns
from iot_ids.features.pipeline import fit
from iot_ids.features.scalers import MinMax, Quantile
from iot_ids.features.selectors import pearson
from iot_ids.metrics.calibration import calibrate
from iot_ids.models.classifier import Classifier, Table, with_padding_row
from iot_ids.models.networks.network import RecurrentClassifier
from iot_ids.models.sklearn.adapter import Classical
from iot_ids.models.sklearn.neighbours import NeighboursClassifier
from iot_ids.models.spec import Trainer
from iot_ids.serving.detector import Detector
from kept_folder import kept_before

COLUMNS = Columns(
    numeric=["bytes", "dur", "unused"], categorical=["proto", "tls"], identifiers=["saddr"], labels=["kind"]
)
CLASSES = ["normal", "attack", "scan"]
MISSING = ["", "-"]


def flows(rows: int = 300, seed: int = 0) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Typed flows of three classes; all columns but `unused` tell something of the class."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    frame = pl.DataFrame(
        {
            "bytes": (y * 100 + random.normal(0, 10, rows)).astype(np.float32),
            "dur": (random.exponential(size=rows) * (1 + y)).astype(np.float32),
            "unused": np.zeros(rows, dtype=np.float32),
            "proto": np.where(y == 2, "icmp", random.choice(["tcp", "udp"], rows)),
            "tls": np.where(y == 1, "1", random.choice(["0", "missing"], rows)),
        }
    )
    return frame, y


def detector(model: Classifier, scaler: MinMax | Quantile, k: int | None = None) -> Detector:
    train, y = flows()
    chosen = fit(train, y, COLUMNS.numeric, COLUMNS.categorical, None, pearson if k else None, k, scaler)
    table = Table(chosen.pipeline.transform(train), y)
    model.fit(table, table, 3, 0, lambda *_: None)
    return Detector(COLUMNS, MISSING, CLASSES, chosen.pipeline, model)


def gru(sequence: str = "flow") -> RecurrentClassifier:
    trainer = Trainer("cpu", accelerator="cpu", max_epochs=3, batch_size=64, patience=3, gradient_clip=1.0)
    return RecurrentClassifier(
        cell="gru",
        hidden_size=8,
        layers=1,
        dropout=0.0,
        bidirectional=False,
        sequence=sequence,
        learning_rate=0.01,
        weight_decay=0.0,
        schedule="constant",
        loss="cross_entropy",
        class_weights="none",
        trainer=trainer,
    )


DETECTORS = {
    "gru": lambda: detector(gru(), Quantile()),
    "knn": lambda: detector(NeighboursClassifier(5, "uniform", 1), MinMax()),
    "boosting": lambda: detector(Classical(HistGradientBoostingClassifier(max_iter=5)), Quantile()),
}


@pytest.fixture(scope="module", params=DETECTORS)
def ready(request: pytest.FixtureRequest) -> Iterator[Detector]:
    with threadpool_limits(1):  # on busy cores, OpenMP's threads would wait for each other most of the time
        yield DETECTORS[request.param]()


@pytest.fixture
def typed() -> pl.DataFrame:
    return flows(40, seed=1)[0]


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.all().cast(pl.String))


def test_probabilities_have_a_column_per_class(ready: Detector, typed: pl.DataFrame) -> None:
    answers = ready.probabilities(typed)
    assert answers.shape == (40, 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_the_detector_learned_something(ready: Detector) -> None:
    frame, y = flows(500, seed=2)
    assert (ready.probabilities(frame).argmax(axis=1) == y).mean() > 0.6


def test_text_and_typed_columns_give_the_same_bits(ready: Detector, typed: pl.DataFrame) -> None:
    assert np.array_equal(ready.probabilities(as_text(typed)), ready.probabilities(typed))


def test_blanks_around_text_do_not_matter(ready: Detector, typed: pl.DataFrame) -> None:
    padded = as_text(typed).with_columns(pl.format(" {} ", name).alias(name) for name in typed.columns)
    assert np.array_equal(ready.probabilities(padded), ready.probabilities(typed))


def test_order_and_other_columns_do_not_matter(ready: Detector, typed: pl.DataFrame) -> None:
    other = typed.select(pl.lit("10.0.0.1").alias("saddr"), "tls", "dur", "proto", "bytes")
    assert np.array_equal(ready.probabilities(other), ready.probabilities(typed))


def test_codes_that_became_other_types_are_the_same_names(ready: Detector, typed: pl.DataFrame) -> None:
    coded = typed.with_columns(tls=pl.lit("1"))
    expected = ready.probabilities(coded)
    for value in (1, 1.0, True, "1.0"):
        assert np.array_equal(ready.probabilities(coded.with_columns(tls=pl.lit(value))), expected)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf"), "", "-", "many", "1e999"])
def test_a_row_without_a_number_gets_nan_and_the_others_their_own(
    ready: Detector, typed: pl.DataFrame, value: float | str | None
) -> None:
    expected = ready.probabilities(typed)
    at = pl.int_range(pl.len()) == 5
    if isinstance(value, str):
        holed = as_text(typed).with_columns(bytes=pl.when(at).then(pl.lit(value)).otherwise("bytes"))
    else:
        holed = typed.with_columns(bytes=pl.when(at).then(pl.lit(value, pl.Float32)).otherwise("bytes"))
    answers = ready.probabilities(holed)
    assert np.isnan(answers[5]).all()
    np.testing.assert_allclose(np.delete(answers, 5, axis=0), np.delete(expected, 5, axis=0), atol=1e-6)


def test_a_number_that_is_infinite_on_the_scale_gets_nan(typed: pl.DataFrame) -> None:
    narrow = detector(NeighboursClassifier(5, "uniform", 1), MinMax())
    scaler = narrow.pipeline.scaler
    assert isinstance(scaler, MinMax)
    scaler.span[0] = 1e-40
    far = typed.with_columns(bytes=pl.when(pl.int_range(pl.len()) == 5).then(pl.lit(scaler.low[0])).otherwise(1e9))
    assert np.flatnonzero(~np.isnan(narrow.probabilities(far)).any(axis=1)).tolist() == [5]


def test_all_rows_without_numbers_get_nan(ready: Detector, typed: pl.DataFrame) -> None:
    assert np.isnan(ready.probabilities(typed.with_columns(bytes=pl.lit(None, pl.Float32)))).all()


def test_a_missing_name_is_the_category_missing(ready: Detector, typed: pl.DataFrame) -> None:
    named = ready.probabilities(typed.with_columns(tls=pl.lit("missing")))
    for nothing in (None, "-", "  "):
        unnamed = typed.with_columns(tls=pl.lit(nothing, pl.String))
        assert np.array_equal(ready.probabilities(unnamed), named)


def test_a_category_not_seen_in_training_is_answered(ready: Detector, typed: pl.DataFrame) -> None:
    answers = ready.probabilities(typed.with_columns(proto=pl.lit("sctp")))
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_unseen_categories_count_alike(ready: Detector, typed: pl.DataFrame) -> None:
    one, other = (ready.probabilities(typed.with_columns(proto=pl.lit(name))) for name in ("sctp", "gre"))
    assert np.array_equal(one, other)


def test_a_missing_column_is_named(ready: Detector, typed: pl.DataFrame) -> None:
    with pytest.raises(UserError, match="lack the columns dur, proto; they have bytes"):
        ready.probabilities(typed.drop("dur", "proto"))


def test_a_column_that_was_not_selected_may_be_absent(typed: pl.DataFrame) -> None:
    one = detector(NeighboursClassifier(5, "uniform", 1), MinMax(), k=1)
    (needed,) = {name.split("=")[0] for name in one.pipeline.names}
    assert np.array_equal(one.probabilities(typed.select(needed)), one.probabilities(typed))


def test_no_rows_have_no_answers(ready: Detector, typed: pl.DataFrame) -> None:
    assert ready.probabilities(typed.head(0)).shape == (0, 3)


def test_a_loaded_detector_knows_its_columns_and_classes(ready: Detector, tmp_path: Path) -> None:
    ready.save(tmp_path / "new" / "folder")
    loaded = Detector.load(tmp_path / "new" / "folder")
    assert (loaded.columns, loaded.missing, loaded.classes) == (COLUMNS, MISSING, CLASSES)


def test_the_temperature_is_applied_and_kept(ready: Detector, typed: pl.DataFrame, tmp_path: Path) -> None:
    warm = replace(ready, temperature=2.5)
    assert np.array_equal(warm.probabilities(typed), calibrate(ready.probabilities(typed), 2.5))
    assert np.array_equal(warm.uncalibrated(typed), ready.probabilities(typed))
    assert (warm.probabilities(typed).max(axis=1) <= ready.probabilities(typed).max(axis=1)).all()
    warm.save(tmp_path)
    assert Detector.load(tmp_path).temperature == 2.5


def test_a_detector_kept_before_there_was_a_temperature_has_none(ready: Detector, tmp_path: Path) -> None:
    ready.save(tmp_path)
    kept_before(tmp_path, "temperature")
    with pytest.warns(UserWarning, match="before manifests existed"):
        assert Detector.load(tmp_path).temperature == 1


def test_a_kept_detector_has_no_file_that_could_run_code(ready: Detector, tmp_path: Path) -> None:
    ready.save(tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} <= {".json", ".npz", ".safetensors", ".skops"}


LOADER = """
import sys
from pathlib import Path
import numpy as np, polars as pl
from iot_ids.serving.detector import Detector
folder = Path(sys.argv[1])
flows = pl.read_csv(folder / "flows.csv", infer_schema=False)
for name in ("gru", "knn", "windowed"):
    np.save(folder / f"{name}.npy", Detector.load(folder / name).probabilities(flows))
"""


def test_another_process_gives_the_same_probabilities(windowed: Detector, tmp_path: Path) -> None:
    kept = {"gru": DETECTORS["gru"](), "knn": DETECTORS["knn"](), "windowed": windowed}
    for name, each in kept.items():
        each.save(tmp_path / name)
    placed().write_csv(tmp_path / "flows.csv")
    ended = run(LOADER, [str(tmp_path)], tmp_path)
    assert ended.code == 0, ended
    for name, each in kept.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), each.probabilities(placed()), atol=1e-5)


def test_the_kept_facts_are_plain_json(ready: Detector, tmp_path: Path) -> None:
    ready.save(tmp_path)
    assert json.loads((tmp_path / "detector.json").read_text())["classes"] == CLASSES


# --- windows

PLACED = Columns(**vars(COLUMNS) | {"identifiers": ["saddr", "stime"], "time": "stime", "source": "saddr"})


def placed(rows: int = 60, seed: int = 1) -> pl.DataFrame:
    """Flows of four sources, in disorder, some at the same time."""
    random = np.random.default_rng(seed)
    return flows(rows, seed)[0].with_columns(
        saddr=pl.Series(random.choice(["a", "b", "c", "d"], rows)), stime=pl.Series(random.integers(0, 30, rows) * 1.0)
    )


@pytest.fixture(scope="module")
def windowed() -> Detector:
    """A detector of windows of three flows."""
    train, y = flows()
    chosen = fit(train, y, COLUMNS.numeric, COLUMNS.categorical, None, None, None, Quantile())
    at = np.arange(len(y))[:, None] + [-2, -1, 0]
    table = Table(with_padding_row(chosen.pipeline.transform(train)), y[2:], at[2:])
    model = gru("window")
    model.fit(table, table, 3, 0, lambda *_: None)
    return Detector(PLACED, MISSING, CLASSES, chosen.pipeline, model, window=3)


def by_hand(detector: Detector, frame: pl.DataFrame) -> NDArray[np.float32]:
    """Every flow's window looked for on its own."""
    x, found = detector.pipeline.transform(frame), []
    for row in range(frame.height):
        time, source = frame["stime"][row], frame["saddr"][row]
        order = [
            (frame["stime"][at], at)
            for at in range(frame.height)
            if frame["saddr"][at] == source and (frame["stime"][at], at) <= (time, row)
        ]
        found.append(detector.model.probabilities(x[[at for _, at in sorted(order)[-3:]]][None]))
    return np.concatenate(found)


def test_a_flow_is_read_after_its_sources_last_ones(windowed: Detector) -> None:
    np.testing.assert_allclose(windowed.probabilities(placed()), by_hand(windowed, placed()), atol=1e-6)


def test_the_history_matters(windowed: Detector) -> None:
    alone = placed().with_columns(saddr=pl.lit(None, pl.String))
    assert np.abs(windowed.probabilities(alone) - windowed.probabilities(placed())).max() > 1e-3


def test_context_is_history_without_an_answer(windowed: Detector) -> None:
    frame = placed().with_row_index(ROW_ID)
    odd = pl.col(ROW_ID) % 2 == 1
    answers = windowed.probabilities(frame.filter(odd), frame.filter(~odd))
    np.testing.assert_allclose(answers, windowed.probabilities(placed())[1::2], atol=1e-6)


def test_windows_of_text_are_those_of_numbers(windowed: Detector) -> None:
    assert np.array_equal(windowed.probabilities(as_text(placed())), windowed.probabilities(placed()))


def test_a_row_without_a_number_is_in_no_window(windowed: Detector) -> None:
    frame, at = placed(), pl.int_range(pl.len()) == 5
    answers = windowed.probabilities(frame.with_columns(bytes=pl.when(~at).then("bytes")))
    assert np.isnan(answers[5]).all()
    expected = windowed.probabilities(frame.filter(~at))
    np.testing.assert_allclose(np.delete(answers, 5, axis=0), expected, atol=1e-6)


def test_windows_without_any_usable_row_have_nan(windowed: Detector) -> None:
    assert np.isnan(windowed.probabilities(placed().with_columns(bytes=pl.lit(None, pl.Float32)))).all()
    assert windowed.probabilities(placed().head(0)).shape == (0, 3)


@pytest.mark.parametrize("name", ["stime", "saddr"])
def test_windows_need_time_and_source(windowed: Detector, name: str) -> None:
    with pytest.raises(UserError, match=f"lack the columns {name}"):
        windowed.probabilities(placed().drop(name))


def test_a_detector_of_windows_says_what_it_is_given(windowed: Detector, ready: Detector) -> None:
    assert windowed.inputs == [*ready.inputs, "stime", "saddr"]


def test_a_detector_kept_before_there_were_windows_still_loads(ready: Detector, tmp_path: Path) -> None:
    ready.save(tmp_path)
    kept_before(tmp_path, "window")
    with pytest.warns(UserWarning, match="before manifests existed"):
        assert Detector.load(tmp_path).window is None
