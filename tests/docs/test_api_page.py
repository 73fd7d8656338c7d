"""docs/api.md runs: its blocks of Python, one after the other, are one program."""

import re
from pathlib import Path

import pytest

import iot_ids

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_page_is_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 4
    names: dict[str, object] = {"__name__": "page"}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"docs/api.md, block {number}", "exec"), names)
    assert "SIMULATED" in capsys.readouterr().out
    assert isinstance(names["detector"], iot_ids.Detector)


def test_the_page_names_every_public_name() -> None:
    table = PAGE.read_text().partition("## The names")[2]
    assert set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == set(iot_ids.__all__)
