"""Confusion matrices side by side: right shares, right n, legible, whole."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from iot_ids.plots import confusion_grid
from iot_ids.plots.confusion_grid import confusion_matrices, percent

CLASSES = ["Normal", "Flood", "Scan"]
GOOD = np.array([[99, 1, 0], [0, 1000, 0], [0, 0, 0]])
CONSTANT = np.array([[0, 200, 0], [0, 2000, 0], [0, 0, 0]])


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures as they are written, to look at their texts."""
    written: list[Figure] = []
    monkeypatch.setattr(confusion_grid, "write", lambda figure, path: written.append(figure))
    return written


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0"), (1, "100"), (0.004, "<1"), (0.005, "<1"), (0.006, "1"), (0.5, "50"), (0.995, ">99"), (0.9999, ">99")],
)
def test_what_is_not_quite_nothing_or_all_says_so(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_class_without_rows_has_no_share() -> None:
    assert percent(np.nan) == ""


def test_cells_hold_the_share_of_the_true_class_and_each_panel_its_own_n(figures: list[Figure]) -> None:
    confusion_matrices({"knn, all": GOOD, "constant answer": CONSTANT}, CLASSES, Path("it.png"), "T", simulated=True)
    left, right = figures[0].axes[:2]
    assert [text.get_text() for text in left.texts] == ["99", "1", "0", "0", "100", "0", "", "", ""]
    assert [text.get_text() for text in right.texts] == ["0", "100", "0", "0", "100", "0", "", "", ""]
    assert [tick.get_text() for tick in left.get_yticklabels()] == [
        "Normal\nn = 100",
        "Flood\nn = 1,000",
        "Scan\nn = 0",
    ]
    assert [tick.get_text() for tick in right.get_yticklabels()] == ["n = 200", "n = 2,000", "n = 0"]
    assert [panel.get_title() for panel in (left, right)] == ["knn, all", "constant answer"]
    assert left.get_ylim()[0] > left.get_ylim()[1]  # the first class on top, as in a table
    assert figures[0].get_suptitle() == "SIMULATED: T"


def test_equal_shares_have_equal_colours_in_all_panels(figures: list[Figure]) -> None:
    half = np.array([[50, 50], [0, 10]])
    confusion_matrices({"a": half, "b": half * 7}, ["x", "y"], Path("it.png"), "T", simulated=False)
    meshes = [panel.collections[0] for panel in figures[0].axes[:2]]
    first, second = (mesh.to_rgba(mesh.get_array()).reshape(-1, 4) for mesh in meshes)
    assert (first == second).all()
    assert len(np.unique(first, axis=0)) == 3


@pytest.mark.parametrize("count", [2, 10, 30])
def test_a_picture_of_readable_size_is_written(count: int, tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).integers(0, 900, (count, count))
    names = [f"attack_kind_${number}" for number in range(count)]
    shown = dict.fromkeys(["one", "another with a name that does not fit on one line", "third"], matrix)
    confusion_matrices(shown, names, tmp_path / "new" / "it.png", "A title", simulated=False)
    height, width, _ = imread(tmp_path / "new" / "it.png").shape
    assert 200 < height < 2500
    assert 500 < width < 4500
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["it.png"]


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no confusion matrix"):
        confusion_matrices({}, CLASSES, tmp_path / "it.png", "T", simulated=False)
