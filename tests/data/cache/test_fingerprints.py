"""A hash is taken from memory only where the file cannot have changed."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iot_ids.data.cache import fingerprints
from iot_ids.data.cache.fingerprints import remembered, sha256


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as settled."""
    monkeypatch.setattr(fingerprints, "SETTLED", -1.0)
    monkeypatch.setattr(fingerprints, "_known", {})
    path = tmp_path / "flows.csv"
    path.write_text("a,b\n1,2\n")
    return path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were hashed in fact."""
    done: list[Path] = []
    monkeypatch.setattr(fingerprints, "sha256", lambda path: (done.append(path), sha256(path))[1])
    return done


def note(folder: Path) -> Path:
    return next(folder.glob("hash-*.json"))


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a new process begins."""
    monkeypatch.setattr(fingerprints, "_known", {})


def test_an_untouched_file_is_hashed_once(file: Path, counted: list[Path]) -> None:
    assert {remembered(file, None) for _ in range(3)} == {sha256(file)}
    assert len(counted) == 1


def test_a_later_process_finds_it_in_the_folder(
    file: Path, tmp_path: Path, counted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered(file, tmp_path / "cache")
    forget(monkeypatch)
    assert remembered(file, tmp_path / "cache") == sha256(file)
    assert len(counted) == 1


def test_a_file_that_just_changed_is_hashed_every_time(
    file: Path, counted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "SETTLED", 60.0)
    remembered(file, None)
    remembered(file, None)
    assert len(counted) == 2


def rewritten(file: Path) -> None:
    file.write_text("a,b\n1,3\n")


def rewritten_with_its_old_time(file: Path) -> None:
    before = file.stat()
    rewritten(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def another_in_its_place(file: Path) -> None:
    before, other = file.stat(), file.with_name("other.csv")
    other.write_text("a,b\n1,3\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


@pytest.mark.parametrize("change", [rewritten, rewritten_with_its_old_time, another_in_its_place])
def test_a_changed_file_has_its_new_hash(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    old = remembered(file, tmp_path / "cache")
    time.sleep(0.05)  # a clock's tick, which SETTLED stands for
    change(file)
    assert remembered(file, tmp_path / "cache") == sha256(file) != old
    forget(monkeypatch)
    assert remembered(file, tmp_path / "cache") == sha256(file)


def other_hash(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": "0" * 64}))


@pytest.mark.parametrize(
    "damage",
    [
        other_hash,
        Path.unlink,
        lambda path: path.write_text(""),
        lambda path: path.write_text("[1]"),
        lambda path: path.write_text("{}"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text(path.read_text()[:-9]),
    ],
)
def test_a_damaged_note_is_not_believed(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], object]
) -> None:
    remembered(file, tmp_path / "cache")
    damage(note(tmp_path / "cache"))
    forget(monkeypatch)
    assert remembered(file, tmp_path / "cache") == sha256(file)


def test_a_folder_that_cannot_be_written_does_no_harm(file: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    assert remembered(file, tmp_path / "cache") == sha256(file)
