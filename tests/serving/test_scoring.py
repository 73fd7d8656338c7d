"""Scoring files: the detector's own answers, row by row, in memory that does not grow with the files."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.naive_bayes import GaussianNB

import conftest
import score as command
import train
from campaign.child import run
from conftest import Workplace
from iot_ids.common.errors import UserError
from iot_ids.data.schema import Columns, Format, Header
from iot_ids.features.pipeline import fit
from iot_ids.features.scalers import MinMax
from iot_ids.models.classifier import Table
from iot_ids.models.sklearn.adapter import Classical
from iot_ids.serving import scoring
from iot_ids.serving.detector import Detector

COLUMNS = Columns(numeric=["bytes", "dur"], categorical=["proto"], identifiers=["saddr"], labels=["kind"])
CLASSES = ["normal", "attack"]


def flows(rows: int, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    attack = random.integers(0, 2, rows)
    names = np.array(["tcp", "udp", "icmp"])[random.integers(0, 3, rows)]
    numbers = {"bytes": random.normal(100 + 50 * attack, 20), "dur": random.exponential(1 + attack)}
    return pl.DataFrame(
        {"saddr": [f"10.0.0.{at % 9}" for at in range(rows)], **numbers, "proto": names, "kind": attack}
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kept model, in the folders of a run."""
    run = tmp_path_factory.mktemp("run") / "artifacts"
    train = flows(400).with_columns(pl.col("bytes", "dur").cast(pl.Float32))
    y = train["kind"].to_numpy()
    fitted = fit(train, y, COLUMNS.numeric, COLUMNS.categorical, None, None, None, MinMax())
    classifier = Classical(GaussianNB())
    table = Table(fitted.pipeline.transform(train), y)
    classifier.fit(table, table, 2, 0, lambda *_: None)
    Detector(COLUMNS, ["", "-"], CLASSES, fitted.pipeline, classifier).save(run / "model" / "artifacts" / "detector")
    (run / "audit.json").write_text(json.dumps({"simulated": True}))
    return run / "model"


@pytest.fixture
def detector(model: Path) -> Detector:
    return scoring.load_detector(model)


def answers(detector: Detector, path: object, out: Path) -> pl.DataFrame:
    scoring.score(detector, scoring.layouts_of(detector, path), out)
    return pl.read_csv(out) if out.suffix == ".csv" else pl.read_parquet(out)


@pytest.mark.parametrize("block", [100, 10_000, 10**9])
def test_the_answers_are_the_detectors_whatever_the_blocks(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(scoring, "BLOCK", block)
    raw = flows(500, seed=1)
    raw.write_csv(tmp_path / "flows.csv")
    found = answers(detector, str(tmp_path / "flows.csv"), tmp_path / "out.parquet")
    expected = detector.probabilities(pl.read_csv(tmp_path / "flows.csv", infer_schema=False))
    np.testing.assert_allclose(found.select("probability/normal", "probability/attack").to_numpy(), expected, rtol=1e-6)
    assert found["answer"].to_list() == [CLASSES[code] for code in expected.argmax(axis=1)]
    assert found["line"].to_list() == list(range(2, 502))


def test_parquet_gzip_and_csv_have_the_same_answers(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "BATCH", 64)
    raw, names = flows(300), ("flows.csv", "flows.csv.gz", "flows.parquet")
    raw.write_csv(tmp_path / names[0])
    (tmp_path / names[1]).write_bytes(gzip.compress((tmp_path / names[0]).read_bytes()))
    raw.write_parquet(tmp_path / names[2])
    plain, *others = (answers(detector, str(tmp_path / name), tmp_path / "out.parquet") for name in names)
    for other in others:
        assert_frame_equal(other.drop("file", "line"), plain.drop("file", "line"), rel_tol=1e-6)


def test_a_folder_is_scored_file_by_file(detector: Detector, tmp_path: Path) -> None:
    for name in ("part_10.csv", "part_2.csv"):
        flows(3).write_csv(tmp_path / name)
    found = answers(detector, str(tmp_path), tmp_path / "out.parquet")
    assert [(Path(file).name, line) for file, line in found.select("file", "line").rows()] == [
        (name, line) for name in ("part_2.csv", "part_10.csv") for line in (2, 3, 4)
    ]


def test_rows_that_cannot_be_read_have_no_answer_and_are_told(detector: Detector, tmp_path: Path) -> None:
    file = tmp_path / "flows.csv"
    bad = ["", "10.0.0.1,5", "10.0.0.1,5,1,tcp,0,9", "10.0.0.1,x,1,tcp,0", "10.0.0.1,inf,1,tcp,0", "10.0.0.1,-,1,tcp,0"]
    good = "10.0.0.1,5,1,tcp,0"
    file.write_text("\n".join(["saddr,bytes,dur,proto,kind", good, *bad, good, ""]))
    out = tmp_path / "out.parquet"
    done = scoring.score(detector, scoring.layouts_of(detector, str(file)), out)
    found = pl.read_parquet(out)
    assert (done.rows, done.unanswered) == (8, 6)
    assert done.examples == [f"{file}:{line}" for line in range(3, 8)]
    assert found.filter(pl.col("answer").is_null())["line"].to_list() == list(range(3, 9))
    assert found.filter(pl.col("answer").is_null())["probability/attack"].null_count() == 6


@pytest.mark.parametrize("block", [100, 10**9])
def test_a_quotation_mark_amid_a_text_moves_no_line(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(scoring, "BLOCK", block)
    raw = flows(399).with_columns(note=pl.lit("/a"), bytes=pl.int_range(399).cast(pl.Float64))
    raw.write_csv(tmp_path / "whole.csv")
    lines = (tmp_path / "whole.csv").read_text().splitlines()
    lines[50], lines[70] = lines[50].replace("/a", '2"1'), lines[70].replace("/a", '"x""y"')
    (tmp_path / "flows.csv").write_text("\n".join(lines))
    expected = answers(detector, str(tmp_path / "whole.csv"), tmp_path / "out.parquet")
    found = answers(detector, str(tmp_path / "flows.csv"), tmp_path / "out.parquet")
    assert_frame_equal(found.drop("file"), expected.drop("file"))


def test_a_csv_of_answers_has_one_header(detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "BLOCK", 100)
    flows(30).write_csv(tmp_path / "flows.csv")
    assert answers(detector, str(tmp_path / "flows.csv"), tmp_path / "out.csv").height == 30


def test_what_was_there_stays_when_scoring_fails(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows(30).write_csv(tmp_path / "flows.csv")
    out = tmp_path / "answers" / "out.parquet"
    before = answers(detector, str(tmp_path / "flows.csv"), out)
    monkeypatch.setattr(Detector, "probabilities", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        answers(detector, str(tmp_path / "flows.csv"), out)
    assert_frame_equal(pl.read_parquet(out), before)
    assert [path.name for path in out.parent.iterdir()] == ["out.parquet"]


DECLARED = Format(separator="|", header=Header.absent, column_names=["saddr", "bytes", "dur", "proto", "kind"])


@pytest.fixture
def headerless(model: Path, tmp_path: Path) -> Detector:
    """A detector of a dataset without header lines, as a run keeps it."""
    replace(scoring.load_detector(model), form=DECLARED).save(tmp_path / "kept")
    return scoring.load_detector(tmp_path / "kept")


def test_files_without_header_are_read_as_the_dataset_says(headerless: Detector, tmp_path: Path) -> None:
    raw = flows(200, seed=1)
    raw.write_csv(tmp_path / "flows.csv", separator="|", include_header=False)
    found = answers(headerless, str(tmp_path / "flows.csv"), tmp_path / "out.parquet")
    assert found["line"].to_list() == list(range(1, 201))
    expected = headerless.probabilities(raw)
    np.testing.assert_allclose(found.select("probability/normal", "probability/attack").to_numpy(), expected, rtol=1e-5)


def test_score_reads_what_train_reads(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    header, *lines = workplace.flows.read_text().splitlines()
    workplace.flows.write_text("\n".join(["#made up", *(line.replace(",", "|") for line in lines), ""]))
    form = ["dataset.format.header=absent", "dataset.format.separator='|'", "dataset.format.comment='#'"]
    words = workplace.words("model=naive_bayes", *form, f"dataset.format.column_names=[{header}]")
    assert conftest.typed(monkeypatch, train, *words) == 0
    run = workplace.artifacts(workplace.runs()[0])
    found = answers(scoring.load_detector(run / "model"), str(workplace.flows), workplace.folder / "out.parquet")
    tested = pl.read_parquet(run / "predictions.parquet")
    assert (found.height, found["line"][0]) == (len(lines), 2)
    for name in ("Normal", "Flood", "Scan"):
        again = found[f"probability/{name}"].gather(tested["row_id"]).to_numpy()
        np.testing.assert_allclose(again, tested[f"probability/{name}"].to_numpy(), rtol=1e-5)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_first_line_that_names_the_columns_is_believed(headerless: Detector, tmp_path: Path, separator: str) -> None:
    raw = flows(20, seed=1).select("proto", "dur", "bytes")
    raw.write_csv(tmp_path / "flows.csv", separator=separator)
    if separator == "|":
        form = Format(separator="|")
        headerless = replace(headerless, form=form)
    found = answers(headerless, str(tmp_path / "flows.csv"), tmp_path / "out.parquet")
    assert found["answer"].null_count() == 0
    assert found.height == 20


def test_a_detector_without_a_format_reads_what_it_read_before(detector: Detector) -> None:
    assert detector.form == Format()


def test_a_lacking_column_is_named(detector: Detector, tmp_path: Path) -> None:
    flows(3).drop("dur").write_csv(tmp_path / "flows.csv")
    with pytest.raises(UserError, match=r"flows\.csv: lacks dur, which the model reads"):
        scoring.layouts_of(detector, str(tmp_path / "flows.csv"))


def test_a_place_without_files_is_told(detector: Detector, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"path=.*nothing matches no file"):
        scoring.layouts_of(detector, str(tmp_path / "nothing"))


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no kept detector"):
        scoring.load_detector(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[]"])
def test_where_the_run_says_nothing_nothing_is_known(tmp_path: Path, text: str) -> None:
    (tmp_path / "audit.json").write_text(text)
    assert scoring.is_simulated(tmp_path / "model") is None


def test_the_command_marks_answers_of_a_model_of_generated_flows(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flows(40).write_csv(tmp_path / "flows.csv")
    words = [f"model={model}", f"path={tmp_path / 'flows.csv'}", f"out={tmp_path / 'out.parquet'}"]
    monkeypatch.setattr(sys, "argv", ["score", *words])
    command.main()
    assert "SIMULATED" in capsys.readouterr().out
    assert pl.read_parquet(tmp_path / "out.parquet")["origin"].unique().to_list() == ["SIMULATED"]


@pytest.mark.parametrize("words", [["model=x"], ["model=x", "path=y", "out=z", "fast=1"], ["x", "path=y", "out=z"]])
def test_the_command_says_what_is_wrong(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["score", *words])
    with pytest.raises(SystemExit, match="type iot-ids score model=MODEL path=FILES out=FILE"):
        command.main()


def typed(patch: pytest.MonkeyPatch, model: Path, path: Path, out: Path, *words: str) -> str | int | None:
    """How the command ends: its message, or None."""
    patch.setattr(sys, "argv", ["score", f"model={model}", f"path={path}", f"out={out}", *words])
    try:
        command.main()
    except SystemExit as end:
        return end.code
    return None


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("FILE/x.csv", "FILE is a file, not a folder"),
        ("FILE/x/y.csv", "FILE is a file, not a folder"),
        (f"{'a' * 300}.csv", "too long; name another"),
        ("a\0b.csv", "null byte; name another"),
        ("~nobody-of-that-name/x.csv", "home directory.; name another"),
    ],
)
def test_an_output_that_no_file_can_be_is_told(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE").touch()
    flows(9).write_csv(tmp_path / "flows.csv")
    assert message in str(typed(monkeypatch, model, tmp_path / "flows.csv", Path(out)))


@pytest.mark.parametrize("name", ["a" * 300, "~nobody-of-that-name/x"])
def test_a_model_of_a_name_that_no_folder_can_have_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    flows(9).write_csv(tmp_path / "flows.csv")
    end = typed(monkeypatch, Path(name), tmp_path / "flows.csv", tmp_path / "out.csv")
    assert str(end).endswith("name another")


def test_answers_stay_behind_an_apostrophe_where_a_spreadsheet_would_compute_them(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flows(9).write_csv("=flows.csv")
    renamed = replace(detector, classes=["=1+1", *detector.classes[1:]])
    scoring.score(renamed, scoring.layouts_of(renamed, "=flows.csv"), Path("out.csv"))
    table = pl.read_csv("out.csv")
    assert table["file"].unique().to_list() == ["'=flows.csv"]
    assert "=1+1" not in table["answer"].to_list()


def test_the_flows_are_not_overwritten_by_the_answers(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "flows.csv"
    flows(9).write_csv(file)
    before = file.read_bytes()
    monkeypatch.chdir(tmp_path)
    assert "is one of the files at path=" in str(typed(monkeypatch, model, file, Path("flows.csv")))
    assert file.read_bytes() == before
    assert typed(monkeypatch, model, tmp_path, tmp_path / "answers.csv") is None
    assert "is one of the files at path=" in str(typed(monkeypatch, model, tmp_path, tmp_path / "answers.csv"))


@pytest.mark.parametrize("name", ["answers.txt", "answers", "answers.csv.gz"])
def test_a_table_of_another_kind_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    flows(9).write_csv(tmp_path / "flows.csv")
    assert "must end in .parquet or .csv" in str(typed(monkeypatch, model, tmp_path / "flows.csv", tmp_path / name))


def test_a_compressed_file_that_was_cut_off_is_told(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "flows.csv.gz"
    file.write_bytes(gzip.compress(flows(5000).write_csv().encode())[:-3000])
    assert f"{file}: cannot be read" in str(typed(monkeypatch, model, file, tmp_path / "out.csv"))


def test_every_file_of_a_model_that_is_damaged_is_told(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows(9).write_csv(tmp_path / "flows.csv")
    for part in (model / "artifacts" / "detector").iterdir():
        spoilt = tmp_path / part.name
        shutil.copytree(model, spoilt)
        (spoilt / "artifacts" / "detector" / part.name).write_bytes(b"\x00spoilt")
        said = typed(monkeypatch, spoilt, tmp_path / "flows.csv", tmp_path / "out.csv")
        assert f"{part.name} was changed or cut off since the run kept it" in str(said)


def test_what_is_not_answered_is_told_with_an_end(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "flows.csv"
    for bad in (1, 7):
        file.write_text(
            "\n".join(["saddr,bytes,dur,proto,kind", *["10.0.0.1,x,1,tcp,0"] * bad, "10.0.0.1,5,1,tcp,0", ""])
        )
        assert typed(monkeypatch, model, file, tmp_path / "out.csv", "unreadable_share=1") is None
        said = " ".join(capsys.readouterr().out.split())
        assert said.endswith(", ...") == (bad == 7), said


def test_damage_above_the_share_is_refused_as_in_training(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = tmp_path / "flows.csv", tmp_path / "out.csv"
    file.write_text("\n".join(["saddr;bytes;dur;proto;kind", *["10.0.0.1;5;1,5;tcp;0"] * 60]))
    said = str(typed(monkeypatch, model, file, out))
    assert "60 of 60 rows cannot be read, more than unreadable_share=0.01 allows" in said
    assert f"{file}:2: text in a number column: dur='1,5'" in said
    assert not out.exists()


@pytest.mark.parametrize(("bad", "refused"), [(1, False), (2, True)])
def test_damage_up_to_the_share_is_left_without_an_answer(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: int, refused: bool
) -> None:
    file = tmp_path / "flows.csv"
    lines = [*["10.0.0.1,5,1,tcp,0"] * (100 - bad), *["10.0.0.1,5"] * bad]
    file.write_text("\n".join(["saddr,bytes,dur,proto,kind", *lines]))
    assert (typed(monkeypatch, model, file, tmp_path / "out.csv") is not None) == refused


def test_where_nothing_was_answered_the_command_fails(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "flows.csv"
    file.write_text("\n".join(["saddr,bytes,dur,proto,kind", *["10.0.0.1,,1,tcp,0"] * 9]))  # missing, not damaged
    assert "no flow was answered" in str(typed(monkeypatch, model, file, tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("share", ["x", "2", "-1", "nan"])
def test_a_share_that_is_none_is_told(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: str) -> None:
    said = typed(monkeypatch, model, tmp_path, tmp_path / "out.csv", f"unreadable_share={share}")
    assert f"unreadable_share={share} must be a number from 0 to 1" in str(said)


def test_a_folder_of_csv_and_parquet_is_read_wholly_and_the_rest_is_told(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "flows", tmp_path / "out.csv"
    folder.mkdir()
    flows(5).write_csv(folder / "a.csv")
    flows(7).write_parquet(folder / "b.parquet")
    (folder / "notes.txt").write_text("nothing")
    assert typed(monkeypatch, model, folder, out) is None
    assert pl.read_csv(out)["file"].value_counts(sort=True).rows() == [
        (str(folder / "b.parquet"), 7),
        (str(folder / "a.csv"), 5),
    ]
    assert f"not read: {folder / 'notes.txt'}" in capsys.readouterr().out


def test_sigterm_leaves_nothing_behind(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flows(9).write_csv(tmp_path / "flows.csv")
    monkeypatch.setattr(Detector, "probabilities", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    said = typed(monkeypatch, model, tmp_path / "flows.csv", tmp_path / "answers" / "out.parquet")
    assert said == "interrupted; nothing was written"
    assert list((tmp_path / "answers").iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from iot_ids.serving import scoring
scoring.BATCH = 100
detector = scoring.load_detector(Path(sys.argv[1]))
killed = lambda _: os.kill(os.getpid(), signal.SIGKILL)
scoring.score(detector, scoring.layouts_of(detector, sys.argv[2]), Path(sys.argv[3]), progress=killed)
"""


def test_what_killed_scorings_left_is_swept_by_the_next_one(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = tmp_path / "flows.csv", tmp_path / "answers" / "out.parquet"
    flows(9).write_csv(file)
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", KILLED, str(model), str(file), str(out)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert len(list(out.parent.iterdir())) == 2  # its own folder and lease, and nothing of the one before
    assert typed(monkeypatch, model, file, out) is None
    assert list(out.parent.iterdir()) == [out]


CHILD = """
import sys
from pathlib import Path
from iot_ids.serving import scoring
scoring.BLOCK = 2**20
detector = scoring.load_detector(Path(sys.argv[1]))
scoring.score(detector, scoring.layouts_of(detector, sys.argv[2]), Path(sys.argv[3]))
status = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in status if line.startswith("VmHWM:")).split()[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system tells a process's peak otherwise")
def test_memory_does_not_grow_with_the_file(model: Path, tmp_path: Path) -> None:
    padded = flows(12_500).with_columns(note=pl.lit("x" * 4000))  # which nobody reads
    file, peaks, text = tmp_path / "flows.csv", [], padded.write_csv().encode()
    for times in (4, 8):  # 200 and 400 MiB; below 200 it still fills what it holds at most
        with file.open("wb") as stream:
            stream.write(text)
            for _ in range(times - 1):
                stream.write(memoryview(text)[text.index(b"\n") + 1 :])
        ended = run(CHILD, [str(model), str(file), str(tmp_path / "out.parquet")], tmp_path)
        assert ended.code == 0, ended
        peaks.append(int(ended.said.split()[-1]) / 1024)
    assert peaks[1] < peaks[0] + 100


def test_a_flow_without_a_number_is_answered_where_training_has_indicated_such(tmp_path: Path) -> None:
    train = flows(400).with_columns(pl.col("bytes", "dur").cast(pl.Float32))
    y, unset = train["kind"].to_numpy(), pl.col("kind") == 1
    train = train.with_columns(pl.when(~unset).then("dur").alias("dur"))
    fitted = fit(train, y, COLUMNS.numeric, COLUMNS.categorical, None, None, None, MinMax(), indicate=True)
    classifier, table = Classical(GaussianNB()), Table(fitted.pipeline.transform(train), y)
    classifier.fit(table, table, 2, 0, lambda *_: None)
    Detector(COLUMNS, ["-"], CLASSES, fitted.pipeline, classifier).save(tmp_path / "model")
    file = tmp_path / "flows.csv"
    file.write_text("bytes,dur,proto\n150,-,tcp\n100,1.5,udp\n150,,icmp\n150,x,tcp\n150,inf,tcp\n")
    found = answers(scoring.load_detector(tmp_path / "model"), str(file), tmp_path / "out.csv")
    assert found["answer"].to_list() == ["attack", "normal", "attack", None, None]
