"""Temporary folders and atomic writes, and the leftovers of killed processes."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from iot_ids.common import atomic

HOLDING = """
import sys, time
from pathlib import Path
from iot_ids.common import atomic
with atomic.temporary_folder(Path(sys.argv[1])) as place:
    (place / "model").write_text("secret")
    print("here", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> "subprocess.Popen[str]":
    """A process that has something in a folder aside."""
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    living, killed = holder(tmp_path), holder(tmp_path)
    killed.kill()
    killed.wait()
    assert len(list(tmp_path.glob("*/model"))) == 2
    atomic.remove_leftovers(tmp_path)
    assert len(list(tmp_path.glob("*/model"))) == 1
    living.kill()
    living.wait()
    atomic.remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with atomic.temporary_folder(tmp_path) as place:
            (place / "x").touch()
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_aside_is_its_users_alone_where_everybodys_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with atomic.temporary_folder() as place:
        assert (place.parent, place.stat().st_mode & 0o777) == (tmp_path, 0o700)


def test_a_file_appears_whole(tmp_path: Path) -> None:
    file = tmp_path / "new" / ("x" * 255)  # the longest name there is
    with atomic.atomic_write(file) as new:
        new.write_text("half")
        assert not file.exists()
    assert [path.read_text() for path in file.parent.iterdir()] == ["half"]


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    def fail() -> None:
        with atomic.atomic_write(tmp_path / "a") as new:
            new.write_text("half")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_nothing_is_named_after_a_process_nor_made_aside_without_a_lease() -> None:
    """A process's number comes again, in a container at once; and nobody would know what a killed one has left."""
    source = Path(atomic.__file__).parents[2]
    code = {file: file.read_text() for file in source.rglob("*.py") if file != Path(atomic.__file__)}
    assert [file for file, text in code.items() if re.search(r"getpid|TemporaryDirectory|mkdtemp|mkstemp", text)] == []
