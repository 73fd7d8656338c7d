"""The registry of reports: one file adds one, to the help, the configuration and the command."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from conftest import CONF
from iot_ids.cli.compare import NO_CHOICES
from iot_ids.cli.help import compare_usage
from iot_ids.common.errors import UserError
from iot_ids.comparison import reports
from iot_ids.comparison.spec import Compare, register, resolve
from iot_ids.config import Tracking

MINE = '''\
"""The report `mine`: how many runs are there? One number."""

from pathlib import Path

from iot_ids.comparison.render.cells import write_text
from iot_ids.comparison.render.page import Report


def make(stores, settings, copies):
    write = lambda path: write_text(path, f"{settings.report} of {len(stores)}")
    return None, Report([], Path("comparison/mine"), lambda console: console.print("counted"), {"mine.txt": write})
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A user's own report, in a folder of their own."""
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "mine_numbers.py").write_text('"""Helps a report and is none."""\n')
    monkeypatch.setattr(reports, "__path__", [*reports.__path__, str(tmp_path)])
    yield
    sys.modules.pop("iot_ids.comparison.reports.mine", None)


def chosen(name: str) -> Compare:
    register(CONF)
    with initialize_config_dir(NO_CHOICES, version_base="1.3"):
        return resolve(compose("compare", overrides=[f"report={name}"]))


def test_the_registry_has_every_file_that_makes_a_report() -> None:
    files = {file.stem: ast.parse(file.read_text()) for file in Path(reports.__file__).parent.glob("*.py")}
    makers = [name for name, tree in files.items() if any(getattr(node, "name", "") == "make" for node in tree.body)]
    assert sorted(makers) == list(reports.summaries()) == ["gap", "selection", "shortcuts", "table", "unseen"]
    assert all(callable(reports.maker(name)) for name in makers)


def test_one_file_is_a_report_in_help_configuration_and_command(
    mine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from iot_ids import tracking
    from iot_ids.comparison.command import compare

    assert "  mine         how many runs are there? One number\n" in compare_usage()
    assert chosen("mine").report == "mine"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tracking, "existing_stores", lambda settings: {"simulated": None})
    compare(Compare(report="mine", where=[], log=False, tracking=Tracking("", "")))
    assert (tmp_path / "comparison" / "mine" / "mine.txt").read_text() == "mine of 1"
    assert "counted" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["mine", "gap_numbers", "__init__"])
def test_any_other_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UserError, match=f"report={name}: there are gap, selection, shortcuts, table, unseen"):
        chosen(name)


def test_the_help_imports_no_report() -> None:
    script = "import sys, iot_ids.cli.help as help; help.compare_usage(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"polars", "numpy", "hydra", "omegaconf", "matplotlib", "mlflow", "iot_ids.comparison.reports.gap"}
    assert not heavy & set(done.stdout.split())
