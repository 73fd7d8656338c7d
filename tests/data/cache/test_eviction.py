"""The cache stays within its limit, forgets what was used longest ago, and keeps what somebody reads."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

from iot_ids.cli import clear_cache
from iot_ids.common import atomic
from iot_ids.data.cache.entries import MANIFEST, Entry
from iot_ids.data.cache.eviction import evict, hold, touch

CONF = Path(__file__).parent.parent.parent.parent / "conf"
NAMES = [letter * 32 for letter in "abc"]
TABLE = pl.DataFrame({"number": range(1000)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three entries of one size, the first used longest ago."""
    for age, name in zip((30, 20, 10), NAMES, strict=True):
        Entry(tmp_path / name).put({"train": TABLE}, {})
        when = time.time() - age
        os.utime(tmp_path / name / MANIFEST, (when, when))
    return tmp_path


def there(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_nothing_goes_below_the_limit(folder: Path) -> None:
    assert evict(folder, size(folder)) == (0, 0)
    assert there(folder) == NAMES


def test_the_least_recently_used_goes_first(folder: Path) -> None:
    before = size(folder)
    removed, freed = evict(folder, before - 1)
    assert removed == 1
    assert there(folder) == NAMES[1:]
    assert freed == before - size(folder)


def test_what_was_used_again_stays(folder: Path) -> None:
    Entry(folder / NAMES[0]).use()
    evict(folder, size(folder) - 1)
    assert there(folder) == [NAMES[0], NAMES[2]]


def test_what_is_read_stays_until_it_is_read(folder: Path) -> None:
    entry = Entry(folder / NAMES[0])
    entry.use()
    evict(folder, 0)
    assert there(folder) == NAMES[:1]
    assert entry.get("train").equals(TABLE)
    del entry
    evict(folder, 0)
    assert there(folder) == []


READER = """
import sys
from pathlib import Path
from iot_ids.data.cache.entries import Entry
entry = Entry(Path(sys.argv[1]))
entry.use()
print("held", flush=True)
sys.stdin.read()
"""


def test_what_another_process_reads_stays(folder: Path) -> None:
    command = [sys.executable, "-c", READER, str(folder / NAMES[0])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "held\n"
        evict(folder, 0)
        assert there(folder) == NAMES[:1]
        reader.communicate("")
    evict(folder, 0)
    assert there(folder) == []


def test_a_simulated_file_goes_with_its_sum(tmp_path: Path) -> None:
    file = tmp_path / "simulated-100-0-abc.csv"
    file.write_text("flows")
    (tmp_path / f"{file.name}.sha256").write_text("sum")
    reading = hold(file)
    assert reading is not None
    evict(tmp_path, 0)
    assert file.exists()
    reading.close()
    evict(tmp_path, 0)
    assert there(tmp_path) == []


@pytest.mark.parametrize("name", ["notes.txt", "flows.csv", "a" * 31, "f" * 32 + ".csv"])
def test_what_is_not_the_caches_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    evict(tmp_path, -1)
    assert there(tmp_path) == [name]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_what_a_killed_writer_left_goes_after_a_day(tmp_path: Path, make: Callable[[Path], None]) -> None:
    for name, age in (("a" * 32 + ".x1", 100_000), ("b" * 32 + ".x2", 100)):
        make(tmp_path / name)
        when = time.time() - age
        os.utime(tmp_path / name, (when, when))
    evict(tmp_path, -1)
    assert there(tmp_path) == ["b" * 32 + ".x2"]


def test_what_a_killed_writer_left_goes_at_once(tmp_path: Path) -> None:
    (tmp_path / ".iot-ids-a.lease").touch()
    (tmp_path / ".iot-ids-a" / "new").mkdir(parents=True)
    evict(tmp_path, 1e9)
    assert there(tmp_path) == []


def test_what_a_writer_is_at_stays(tmp_path: Path) -> None:
    with atomic.temporary_folder(tmp_path) as place:
        evict(tmp_path, -1)
        assert place.exists()


def test_a_missing_folder_holds_nothing(tmp_path: Path) -> None:
    assert evict(tmp_path / "nothing", 0) == (0, 0)
    touch(tmp_path / "nothing")
    assert hold(tmp_path / "nothing") is None


def test_clearing_removes_everything_that_nobody_reads(folder: Path) -> None:
    entry = Entry(folder / NAMES[1])
    entry.use()
    said = clear_cache.clear(folder)
    assert said.startswith(f"{folder}: 2 removed, ")
    assert said.endswith("; 1 in use by a run stay")
    assert there(folder) == [NAMES[1]]


@pytest.mark.parametrize("words", [["--help"], ["--all"], ["a", "b"]])
def test_clearing_explains_itself(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["iot-ids-clear-cache", *words])
    with contextlib.suppress(SystemExit) if words == ["--help"] else pytest.raises(SystemExit, match="clear-cache"):
        clear_cache.main()
    assert capsys.readouterr().out.startswith("iot-ids clear-cache [FOLDER]" * (words == ["--help"]))
    assert there(folder) == NAMES


def test_clearing_knows_the_shipped_folder() -> None:
    assert yaml.safe_load((CONF / "cache" / "disk.yaml").read_text())["path"] == clear_cache.FOLDER
