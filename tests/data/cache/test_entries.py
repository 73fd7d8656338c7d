"""The cache: what it keeps, how damage is met, and several processes at once."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from iot_ids.data.cache import entries
from iot_ids.data.cache.entries import MANIFEST, NOTES, Entry, file_once, key, sha256

TABLES = {
    "train": pl.DataFrame({"number": [1.5, 2.5, -3.0], "name": ["tcp", "udp", "é"]}),
    "test": pl.DataFrame({"number": [9.0], "name": ["icmp"]}),
}
CHANGED = {**TABLES, "train": TABLES["train"].reverse()}
REMARKS = {"classes": ["b", "a"], "cleaning": {"rows_in": 4}}


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    entry = Entry(tmp_path / "cache" / "entry")
    entry.put(TABLES, REMARKS)
    return entry


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def other_sums(manifest: Path) -> None:
    manifest.write_text(json.dumps(dict.fromkeys(json.loads(manifest.read_text()), "0" * 64)))


def swap(folder: Path) -> None:
    for one, other in (("train", "aside"), ("test", "train"), ("aside", "test")):
        (folder / f"{one}.parquet").rename(folder / f"{other}.parquet")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "first bit of a table": lambda folder: flip(folder / "train.parquet", 0),
    "middle bit of a table": lambda folder: flip(folder / "train.parquet", 300),
    "table cut short": lambda folder: truncate(folder / "train.parquet"),
    "table empty": lambda folder: (folder / "train.parquet").write_bytes(b""),
    "table gone": lambda folder: (folder / "train.parquet").unlink(),
    "another whole table": lambda folder: CHANGED["train"].write_parquet(folder / "train.parquet"),
    "two tables swapped": swap,
    "manifest gone": lambda folder: (folder / MANIFEST).unlink(),
    "manifest empty": lambda folder: (folder / MANIFEST).write_text(""),
    "manifest no JSON": lambda folder: (folder / MANIFEST).write_text("{"),
    "manifest no text": lambda folder: (folder / MANIFEST).write_bytes(b"\xff\xfe"),
    "manifest a list": lambda folder: (folder / MANIFEST).write_text("[1]"),
    "manifest a number": lambda folder: (folder / MANIFEST).write_text("3"),
    "manifest of nothing": lambda folder: (folder / MANIFEST).write_text("{}"),
    "manifest of other sums": lambda folder: other_sums(folder / MANIFEST),
}
DAMAGED_NOTES: dict[str, Callable[[Path], None]] = {
    "a letter changed": lambda folder: (folder / NOTES).write_text((folder / NOTES).read_text().replace("b", "c")),
    "cut short": lambda folder: truncate(folder / NOTES),
    "gone": lambda folder: (folder / NOTES).unlink(),
}


def test_a_table_comes_back_as_it_was(entry: Entry) -> None:
    assert_frame_equal(entry.get("train"), TABLES["train"])


def test_notes_come_back_as_they_were(entry: Entry) -> None:
    assert entry.notes() == REMARKS


def test_an_absent_table_is_none(entry: Entry) -> None:
    assert entry.get("validation") is None


def test_an_absent_entry_has_no_tables(tmp_path: Path) -> None:
    assert Entry(tmp_path / "nothing").get("train") is None


def test_an_absent_entry_has_no_notes(tmp_path: Path) -> None:
    assert Entry(tmp_path / "nothing").notes() is None


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_table_is_not_served(entry: Entry, damage: Callable[[Path], None]) -> None:
    damage(entry.folder)
    assert entry.get("train") is None


@pytest.mark.parametrize("damage", [*DAMAGES.values(), *DAMAGED_NOTES.values()], ids=[*DAMAGES, *DAMAGED_NOTES])
def test_a_damaged_entry_is_rebuilt(entry: Entry, damage: Callable[[Path], None]) -> None:
    damage(entry.folder)
    entry.put(TABLES, REMARKS)
    assert_frame_equal(entry.get("train"), TABLES["train"])
    assert_frame_equal(entry.get("test"), TABLES["test"])
    assert entry.notes() == REMARKS


@pytest.mark.parametrize("damage", DAMAGED_NOTES.values(), ids=DAMAGED_NOTES)
def test_damaged_notes_are_not_served(entry: Entry, damage: Callable[[Path], None]) -> None:
    damage(entry.folder)
    assert entry.notes() is None


@pytest.mark.parametrize("name", ["train.parquet", "test.parquet", NOTES, MANIFEST])
def test_any_flipped_bit_is_seen(entry: Entry, name: str) -> None:
    file = entry.folder / name
    whole = file.read_bytes()
    for at in range(0, len(whole), 7):
        flip(file, at)
        train, notes = entry.get("train"), entry.notes()
        assert train is None or train.equals(TABLES["train"])
        assert notes is None or notes == REMARKS
        file.write_bytes(whole)


def test_an_entry_in_anothers_place_is_not_served(entry: Entry) -> None:
    moved = Entry(entry.folder.rename(entry.folder.with_name("other")))
    assert moved.get("train") is None
    assert moved.notes() is None


def test_damage_to_one_table_leaves_the_others(entry: Entry) -> None:
    truncate(entry.folder / "test.parquet")
    assert_frame_equal(entry.get("train"), TABLES["train"])


def test_a_file_where_the_entry_should_be_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "entry").write_text("no folder")
    entry = Entry(tmp_path / "entry")
    entry.put(TABLES, REMARKS)
    assert_frame_equal(entry.get("train"), TABLES["train"])


def test_a_whole_entry_is_left_alone(entry: Entry) -> None:
    entry.put(CHANGED, {})
    assert_frame_equal(entry.get("train"), TABLES["train"])


def test_nothing_is_left_over(entry: Entry) -> None:
    truncate(entry.folder / "train.parquet")
    entry.put(TABLES, REMARKS)
    assert [path.name for path in entry.folder.parent.iterdir()] == ["entry"]


def test_a_failed_put_leaves_nothing(tmp_path: Path) -> None:
    entry = Entry(tmp_path / "entry")
    with pytest.raises(TypeError):
        entry.put(TABLES, {"no JSON": object()})
    assert not list(tmp_path.iterdir())


WRITER = """
import sys, time
from pathlib import Path
import polars as pl
from iot_ids.data.cache.entries import Entry
entry = Entry(Path(sys.argv[1]))
tables = {"train": pl.DataFrame({"a": range(50_000)}), "test": pl.DataFrame({"a": [7]})}
time.sleep(max(0, float(sys.argv[2]) - time.time()))
for _ in range(int(sys.argv[3])):
    entry.put(tables, {"n": 1})
    got = entry.get("train")
    assert got is None or got.equals(tables["train"])
"""


def write_at_once(folder: Path, times: int) -> None:
    """Four processes that put the same entry at the same moment."""
    start = str(time.time() + 1)
    command = [sys.executable, "-c", WRITER, str(folder), start, str(times)]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors


def assert_one_whole_entry(folder: Path) -> None:
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert Entry(folder).get("train").height == 50_000
    assert Entry(folder).get("test")["a"].to_list() == [7]
    assert Entry(folder).notes() == {"n": 1}


def test_processes_that_write_at_once_leave_one_whole_entry(tmp_path: Path) -> None:
    write_at_once(tmp_path / "cache" / "entry", times=5)
    assert_one_whole_entry(tmp_path / "cache" / "entry")


def test_processes_that_mend_at_once_leave_one_whole_entry(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "entry"
    Entry(folder).put(TABLES, {})
    truncate(folder / "train.parquet")
    write_at_once(folder, times=5)
    assert_one_whole_entry(folder)


@pytest.mark.parametrize(
    "other",
    [{"seed": 1, "label": "b"}, {"seed": 0, "label": "c"}, {"seed": 0}, {"seed": 0, "label": "b", "more": None}],
)
def test_every_setting_changes_the_key(other: dict[str, object]) -> None:
    assert key({"seed": 0, "label": "b"}) != key(other)


def test_equal_settings_have_equal_keys() -> None:
    assert key({"seed": 0, "label": "b"}) == key({"seed": 0, "label": "b"})


def test_the_order_of_classes_changes_the_key() -> None:
    assert key({"classes": {"a": 1, "b": 2}}) != key({"classes": {"b": 2, "a": 1}})


def test_a_number_and_its_text_have_different_keys() -> None:
    assert key({"seed": 1}) != key({"seed": "1"})


@pytest.mark.parametrize("changed", ["clean.py", "splits/random.py", "reading/text/lines.py"])
def test_other_code_has_another_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: str) -> None:
    copy = tmp_path / "data"
    shutil.copytree(entries.PACKAGE, copy)
    monkeypatch.setattr(entries, "PACKAGE", copy)
    before = key({})
    (copy / changed).parent.mkdir(parents=True, exist_ok=True)
    (copy / changed).write_text("# another way to clean")
    assert key({}) != before


def test_the_key_is_of_the_whole_data_package() -> None:
    assert entries.PACKAGE.name == "data"
    assert {"clean.py", "schema.py", "spec.py"}.intersection(file.name for file in entries.PACKAGE.iterdir())


def test_another_polars_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key({})
    monkeypatch.setattr(entries.pl, "__version__", "0.0")
    assert key({}) != before


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "file") == expected


@pytest.fixture
def written() -> list[Path]:
    return []


@pytest.fixture
def write(written: list[Path]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        written.append(path)
        path.write_text("a,b\n1,2\n")

    return write


def test_a_file_is_written_once(tmp_path: Path, write: Callable[[Path], None], written: list[Path]) -> None:
    for _ in range(3):
        file_once(tmp_path / "new" / "flows.csv", write)
    assert len(written) == 1


@pytest.mark.parametrize("damage", [truncate, Path.unlink, lambda file: flip(file, 0)], ids=["cut", "gone", "bit"])
def test_a_damaged_file_is_written_again(
    tmp_path: Path, write: Callable[[Path], None], damage: Callable[[Path], None]
) -> None:
    file = file_once(tmp_path / "flows.csv", write)
    damage(file)
    assert file_once(file, write).read_text() == "a,b\n1,2\n"
