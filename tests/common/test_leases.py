"""Leases that outlive their holders, and those that do not."""

import os
from pathlib import Path

import pytest

from iot_ids.common.leases import hold, take_abandoned


def test_a_lease_that_is_held_is_nobodys_to_take(tmp_path: Path) -> None:
    with hold(tmp_path / "a"):
        assert list(take_abandoned(tmp_path)) == []
        assert (tmp_path / "a").exists()


def test_a_lease_that_was_left_is_met_once(tmp_path: Path) -> None:
    with hold(tmp_path / "a"):
        pass
    assert list(take_abandoned(tmp_path)) == [tmp_path / "a"]
    assert list(take_abandoned(tmp_path)) == []


def test_a_lease_is_held_while_it_is_looked_after(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    for _ in take_abandoned(tmp_path):
        assert list(take_abandoned(tmp_path)) == []


def test_a_lease_whose_heir_fails_is_left_for_the_next(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    heirs = take_abandoned(tmp_path)
    next(heirs)
    with pytest.raises(ValueError, match="no time"):
        heirs.throw(ValueError("no time"))  # type: ignore[attr-defined]
    assert list(take_abandoned(tmp_path)) == [tmp_path / "a"]


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    with hold(tmp_path / "a"), pytest.raises(FileExistsError), hold(tmp_path / "a"):
        pass


def test_what_is_no_plain_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "folder.lease").mkdir()
    os.mkfifo(tmp_path / "pipe.lease")  # whose opening would wait for a writer
    (tmp_path / "link.lease").symlink_to("elsewhere")
    assert list(take_abandoned(tmp_path, "*.lease")) == []


def test_another_users_lease_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").touch()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert list(take_abandoned(tmp_path)) == []
