"""The pictures of the probabilities: whole, labelled, and true to their numbers."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from sklearn.metrics import auc

from iot_ids.metrics.calibration import bins
from iot_ids.metrics.intervals import wilson
from iot_ids.plots import curves

RANDOM = np.random.default_rng(0)
BOLD = RANDOM.dirichlet([0.2, 0.2], 300)
EVEN = RANDOM.dirichlet([2, 2], 300)
Y = RANDOM.integers(0, 2, 300)
ATTACK = Y == 1
SCORES = RANDOM.normal(0, 1, 300) + ATTACK


def draw_reliability(path: Path, **more) -> None:
    curves.reliability(bins(BOLD, Y), bins(EVEN, Y), 1.5, path, "A title", **{"simulated": False} | more)


def draw_attacks(path: Path, threshold: float | None = 0.8, **more) -> None:
    curves.attacks(SCORES, ATTACK, threshold, 0.05, path, "A title", **{"simulated": False} | more)


DRAW = [draw_reliability, draw_attacks]


@pytest.fixture
def figures(monkeypatch) -> list[Figure]:
    """The figures as they are written, to look at their texts."""
    written: list[Figure] = []
    monkeypatch.setattr(curves, "write", lambda figure, path: written.append(figure))
    return written


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def line(axes, label: str):
    (found,) = (line for line in axes.lines if str(line.get_label()).startswith(label))
    return found


@pytest.mark.parametrize("draw", DRAW)
def test_a_picture_of_readable_size_is_written(draw, tmp_path):
    draw(tmp_path / "new folder" / "it.png")
    height, width, _ = imread(tmp_path / "new folder" / "it.png").shape
    assert 400 < height < 1000 < width < 1500


@pytest.mark.parametrize(("simulated", "title"), [(True, "SIMULATED: A title"), (False, "A title")])
@pytest.mark.parametrize("draw", DRAW)
def test_generated_rows_are_called_simulated_first(draw, simulated, title, figures):
    draw(Path(), simulated=simulated)
    assert figures[0].get_suptitle() == title


@pytest.mark.parametrize("draw", DRAW)
def test_no_text_leaves_the_picture(draw, figures):
    draw(Path())
    figures[0].draw_without_rendering()
    drawn, (width, height) = figures[0].get_tightbbox(), figures[0].get_size_inches()
    assert min(drawn.x0, drawn.y0) > -0.01
    assert (drawn.x1 < width + 0.01, drawn.y1 < height + 0.01) == (True, True)


def test_both_panels_show_each_bin_with_its_interval_and_rows(figures):
    draw_reliability(Path())
    for panel, shown in zip(figures[0].axes, (bins(BOLD, Y), bins(EVEN, Y)), strict=True):
        there = shown.count > 0
        points = panel.containers[0]
        assert points[0].get_xydata() == pytest.approx(np.column_stack([shown.confidence, shown.accuracy])[there])
        ends = np.array([segment[:, 1] for segment in points[2][0].get_segments()])
        assert ends == pytest.approx(np.column_stack([shown.low, shown.high])[there])
        assert {f"{count}" for count in shown.count[there]} <= {text.get_text() for text in panel.texts}
        assert f"calibration error {shown.error:.4f}" in panel.get_title()


def test_the_curves_hold_the_areas(figures):
    draw_attacks(Path())
    left, right = figures[0].axes
    false_alarms, found = left.lines[0].get_xydata().T
    pairs = SCORES[ATTACK][:, None] > SCORES[~ATTACK]
    assert auc(false_alarms, found) == pytest.approx(pairs.mean(), abs=0.01)
    assert right.lines[0].get_ydata()[0] == pytest.approx(ATTACK.mean())
    assert set(line(right, "everything").get_ydata()) == {ATTACK.mean()}


def test_the_operating_point_is_where_the_threshold_puts_it(figures):
    draw_attacks(Path())
    left, right = figures[0].axes
    called = SCORES > 0.8
    found, false_alarms = called[ATTACK].mean(), called[~ATTACK].mean()
    assert line(left, "threshold").get_xydata().tolist() == [[pytest.approx(false_alarms), pytest.approx(found)]]
    assert line(right, "threshold").get_xydata()[0] == pytest.approx([found, ATTACK[called].mean()])
    across = next(line for line in left.lines if len(set(line.get_ydata())) == 1 and line.get_color() == "#000000")
    assert across.get_xdata() == pytest.approx(wilson(int(called[~ATTACK].sum()), int((~ATTACK).sum())))


def test_without_a_threshold_none_is_marked(figures):
    draw_attacks(Path(), threshold=None)
    assert not [text for text in texts(figures[0]) if "threshold" in text]


def test_a_threshold_that_calls_nothing_is_drawn_at_the_edge(figures):
    draw_attacks(Path(), threshold=99.0)
    left, right = figures[0].axes
    assert line(left, "threshold").get_xydata().tolist() == [[0.5 / (~ATTACK).sum(), 0.0]]
    assert not [line for line in right.lines if str(line.get_label()).startswith("threshold")]


def test_a_rate_below_a_hundredth_of_a_percent_can_be_read():
    assert [curves._percent(rate) for rate in (0.0001, 0.05, 1, 0.97938)] == ["0.01 %", "5 %", "100 %", "97.94 %"]
