"""Full disks, closed outputs and low limits: one sentence, which gives no one else the blame."""

import errno
import io
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from conftest import Workplace, typed
from iot_ids.common import system_errors
from iot_ids.common.errors import UserError
from iot_ids.tracking import as_user_error as store_told

SAYING = (
    "import sys; from iot_ids.common.system_errors import run_program as run; "
    "run(lambda: print('word ' * 90000) or print('more'))"
)


def saying(command: str) -> "subprocess.CompletedProcess[str]":
    """A program that says a lot, in a shell's line."""
    line = f'{sys.executable} -c "{SAYING}" {command}'
    return subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True)


def test_a_closed_output_is_a_sentence() -> None:
    done = saying("| head -c 1")
    assert (done.returncode, done.stderr) == (1, f"{system_errors.CLOSED}\n")


def test_a_full_output_is_a_sentence() -> None:
    done = saying("> /dev/full")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("the disk is full: ")


def test_no_output_at_all_is_no_mistake() -> None:
    done = saying(">&-")
    assert (done.returncode, done.stderr) == (0, "")


def interrupted() -> None:
    raise KeyboardInterrupt


def test_an_interruption_that_nobody_caught_is_a_word() -> None:
    with pytest.raises(SystemExit, match="interrupted"):
        system_errors.run_program(interrupted)


@pytest.mark.parametrize("program", ["train", "compare", "score"])
def test_help_into_a_closed_output_is_a_sentence(program: str) -> None:
    line = f"{sys.executable} -m {program} --help | true"
    source = {"PYTHONPATH": str(Path(system_errors.__file__).parents[2])}
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=os.environ | source)
    assert done.stderr in ("", f"{system_errors.CLOSED}\n")


def full_by_python(folder: Path) -> None:
    with (folder / "a").open("wb") as stream:
        stream.write(bytes(2_000_000))


def full_by_polars(folder: Path) -> None:
    pl.DataFrame({"x": range(1_000_000)}).write_parquet(folder / "a", compression="uncompressed")


def full_by_a_copy(folder: Path) -> None:
    (folder / "from").mkdir()
    os.truncate(os.open(folder / "from" / "a", os.O_CREAT | os.O_WRONLY), 900_000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    shutil.copytree(folder / "from", folder / "to")


@pytest.mark.parametrize("fill", [full_by_python, full_by_polars, full_by_a_copy])
def test_a_file_that_may_not_grow_is_told_whoever_wrote_it(fill: Callable[[Path], None], tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with (
            pytest.raises(UserError, match=r"a file may not grow any further here: .*ulimit -f"),
            system_errors.as_user_error(),
        ):
            fill(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full(file: str | None) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file)


def test_a_full_disk_is_told_by_its_folder_and_not_by_the_one_aside() -> None:
    said = system_errors.explain(full("/mnt/runs/.iot-ids-12/model/a.json"))
    assert said == "the disk is full: /mnt/runs; make room there, and start again"


def test_a_full_disk_that_another_sentence_hides_is_told() -> None:
    hidden = UserError("the model cannot be loaded")
    hidden.__cause__ = full("/mnt/a")
    assert system_errors.explain(hidden) == "the disk is full: /mnt; make room there, and start again"


def too_much_for_numpy() -> None:
    np.empty(2**48)


def too_much_for_pytorch() -> None:
    torch.empty(2**48)


@pytest.mark.parametrize("reserve", [too_much_for_numpy, too_much_for_pytorch])
def test_too_little_memory_is_told_whoever_asked_for_it(reserve: Callable[[], None]) -> None:
    wanted = pytest.raises(UserError, match=r"^the memory is used up \(.*llocate .*\); see ulimit -v")
    with wanted, system_errors.as_user_error():
        reserve()


def test_any_other_error_is_not_told() -> None:
    assert system_errors.explain(ValueError("no such class")) is None


def test_a_store_on_a_full_disk_is_not_to_blame(tmp_path: Path) -> None:
    from sqlalchemy.exc import OperationalError

    with (
        pytest.raises(UserError, match="the disk is full: "),
        system_errors.as_user_error(),
        store_told("sqlite:///a.db"),
    ):
        raise OperationalError("insert", {}, Exception("database or disk is full"))


def test_a_temporary_folder_that_takes_nothing_is_told() -> None:
    line = "import tempfile; from iot_ids.common.system_errors import run_program as run; run(tempfile.gettempdir)"
    limited = f"ulimit -f 0; {sys.executable} -c '{line}'"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "nothing can be written where temporary files go" in done.stderr


def test_few_addresses_are_refused_before_a_library_is_imported() -> None:
    line = f"ulimit -v 1000000; {sys.executable} -m train"
    source = {"PYTHONPATH": str(Path(system_errors.__file__).parents[2])}
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=os.environ | source)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("ulimit -v 1000000: the libraries reserve 2.5 GiB")


def test_a_run_whose_artifacts_do_not_fit_fails_with_the_reason(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import train

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr("iot_ids.tracking.save_model", lambda _, place, *__: place.write_bytes(bytes(30_000_000)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, before[1]))
    try:
        assert typed(monkeypatch, train, *workplace.words()) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr().err
    assert "a file may not grow any further here" in said
    assert "Traceback" not in said
    assert workplace.runs()[0].info.status == "FAILED"


def test_a_name_that_the_terminal_has_no_letters_for_is_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", errors="strict"))
    system_errors.run_program(lambda: print("caf\u00e9 \udc80.csv"))
    assert written.getvalue() == b"caf\\xe9 \\udc80.csv\n"
