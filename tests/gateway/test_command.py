"""`python detector.pyz flows.csv`: the columns of `score`, on a machine with NumPy and onnxruntime only."""

import os
import re
import subprocess
import sys
from importlib.metadata import distribution, requires
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from iot_ids.gateway import command
from iot_ids.serving import scoring
from iot_ids.serving.export import export


@pytest.fixture(scope="module")
def pyz(model: Path) -> Path:
    out = model.parent / "detector.pyz"
    export(model, out)
    return out


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of modules: NumPy and onnxruntime with what these need, and nothing else."""
    place, names, seen = tmp_path_factory.mktemp("bare"), ["numpy", "onnxruntime"], set[str]()
    while names:
        name = names.pop()
        seen.add(name)
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or () if ".." not in file.parts}:
            if not (place / top).exists() and (source := Path(str(found.locate_file(top)))).exists():
                (place / top).symlink_to(source)
        plain = [each for each in requires(name) or () if "extra ==" not in each]
        names += [each for each in (re.split(r"[^\w.-]", each)[0] for each in plain) if each not in seen]
    return place


def started(pyz: Path, bare: Path, *words: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the file with nothing but the modules of `bare`."""
    begin = f"import sys, runpy; sys.path.insert(0, {str(bare)!r}); sys.argv = sys.argv[1:]"
    code = f"{begin}; runpy.run_path(sys.argv[0], run_name='__main__')"
    line = [sys.executable, "-I", "-S", "-c", code, str(pyz), *words]
    return subprocess.run(line, capture_output=True, text=True, input=stdin, check=False, env={"PATH": os.defpath})


def test_it_answers_as_score_does_where_only_numpy_and_onnxruntime_are(
    pyz: Path, bare: Path, model: Path, raw: Path, tmp_path: Path
) -> None:
    done = started(pyz, bare, str(raw))
    assert done.returncode == 0, done.stderr
    assert "6 of 14 flows have no answer" in done.stderr
    found = pl.read_csv(done.stdout.encode(), schema_overrides={"alarm": pl.Boolean})
    scoring.score(
        scoring.load_detector(model), scoring.layouts_of(scoring.load_detector(model), raw), tmp_path / "s.parquet"
    )
    expected = pl.read_parquet(tmp_path / "s.parquet")
    assert found.columns == expected.columns
    assert_frame_equal(found, expected.cast({pl.Float32: pl.Float64}), abs_tol=1e-5)
    assert expected["alarm"].n_unique() == 3  # yes, no, and no answer


def test_the_bare_folder_lacks_everything_else(pyz: Path, bare: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(bare)!r}); import polars"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert "No module named 'polars'" in done.stderr


def test_standard_input_help_and_mistakes(pyz: Path, bare: Path, raw: Path) -> None:
    piped = started(pyz, bare, "-", stdin=raw.read_text())
    assert piped.stdout.splitlines()[1].startswith("-,2,")
    assert "python detector.pyz flows.csv" in started(pyz, bare, "--help").stdout
    for words, said in {("absent.csv",): "absent.csv: No such file or directory\n"}.items():
        done = started(pyz, bare, *words)
        assert (done.returncode, done.stderr) == (1, said)


def test_without_any_answer_the_exit_code_is_1(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("bytes,port,proto\n-,1,tcp\n")
    assert command.main(exported.read_bytes(), [str(tmp_path / "x.csv")]) == 1


def test_a_reader_that_stops_early_is_no_fault_of_ours(pyz: Path, tmp_path: Path) -> None:
    (tmp_path / "many.csv").write_text("bytes,port,proto\n" + "1,80,tcp\n" * 50_000)
    line = f"{sys.executable} {pyz} {tmp_path / 'many.csv'} | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("file,line,answer,")
