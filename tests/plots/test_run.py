"""The pictures: that they appear, whole, labelled, and legible."""

from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import polars as pl
import pytest
from matplotlib import cbook
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Annotation

from iot_ids.metrics.metrics import per_class
from iot_ids.plots import canvas, run

HISTORY = pl.DataFrame(
    {"epoch": [0, 1, 2], "train_loss": [None, 0.5, 0.4], "val_loss": [0.7, 0.6, 0.5], "val_f1_macro": [0.1, 0.5, 0.6]}
)


def names(count: int) -> list[str]:
    return ["Normal", "DDoS", "DoS", "Reconnaissance", "Theft", *(f"attack_kind_{i}" for i in range(5, count))][:count]


def counted(count: int) -> np.ndarray:
    """A confusion matrix with large and small classes; from the fourth class on one has no rows."""
    matrix = np.random.default_rng(0).integers(0, 900, (count, count)) + np.diag([80_000] * count)
    matrix[3:4] = 0
    return matrix


def draw_matrix(path: Path, count: int = 5, **more) -> None:
    run.confusion_matrix(counted(count), names(count), path, "A title", **{"simulated": False} | more)


def draw_classes(path: Path, count: int = 5, **more) -> None:
    run.per_class(per_class(counted(count), names(count)), path, "A title", **{"simulated": False} | more)


def draw_history(path: Path, count: int = 3, **more) -> None:
    run.learning_curve(HISTORY.head(count), path, "A title", **{"simulated": False, "best_epoch": 0} | more)


def draw_scores(path: Path, count: int = 5, **more) -> None:
    scores = np.linspace(1, 0, count)
    features = [f"SOME_LONG_COUNTER={number}" for number in range(count)]
    run.feature_scores(features, scores, scores > 0.5, path, "A title", **{"simulated": False} | more)


DRAW = [draw_matrix, draw_classes, draw_history, draw_scores]


@pytest.fixture
def figures(monkeypatch) -> list[Figure]:
    """The figures as they are written, to look at their texts."""
    written: list[Figure] = []
    monkeypatch.setattr(run, "write", lambda figure, path: written.append(figure))
    return written


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


@pytest.mark.parametrize("draw", DRAW)
def test_a_picture_of_readable_size_is_written(draw, tmp_path):
    draw(tmp_path / "new folder" / "it.png")
    height, width, _ = imread(tmp_path / "new folder" / "it.png").shape
    assert 200 < height < 2500
    assert 500 < width < 2500


@pytest.mark.parametrize("draw", DRAW)
def test_generated_rows_are_called_simulated_first(draw, figures):
    draw(Path("it.png"), simulated=True)
    assert figures[0].get_suptitle() == "SIMULATED: A title"


@pytest.mark.parametrize("draw", DRAW)
def test_published_rows_are_not_called_simulated(draw, figures):
    draw(Path("it.png"))
    assert figures[0].get_suptitle() == "A title"


def test_nothing_but_the_picture_is_left_behind(tmp_path):
    draw_matrix(tmp_path / "it.png")
    assert [path.name for path in tmp_path.iterdir()] == ["it.png"]


def test_a_failure_keeps_the_old_picture_and_leaves_no_litter(tmp_path, monkeypatch):
    (tmp_path / "it.png").write_bytes(b"old")

    def fail(canvas: FigureCanvasAgg, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(FigureCanvasAgg, "print_png", fail)
    with pytest.raises(OSError, match="disk full"):
        draw_matrix(tmp_path / "it.png")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_matplotlib_is_left_as_it_was(tmp_path):
    before = dict(matplotlib.rcParams)
    draw_classes(tmp_path / "it.png")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("count", [2, 6, 25])
@pytest.mark.parametrize("draw", [draw_matrix, draw_classes])
def test_labels_of_classes_do_not_touch(draw, count, figures):
    draw(Path("it.png"), count)
    figures[0].draw_without_rendering()
    axes = figures[0].axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        upright = [label.get_window_extent() for label in labels if label.get_rotation() == 0]
        assert not [pair for pair in combinations(upright, 2) if pair[0].overlaps(pair[1])]
        slanted = [label.get_window_extent().x1 for label in labels if label.get_rotation() != 0]
        assert all(np.diff(slanted) > 25)  # pixels: two lines of text at 45 degrees


@pytest.mark.parametrize("count", [2, 6, 25])
@pytest.mark.parametrize("draw", [draw_matrix, draw_classes, draw_scores])
def test_no_text_leaves_the_picture(draw, count, figures):
    draw(Path("it.png"), count)
    figures[0].draw_without_rendering()
    drawn, (width, height) = figures[0].get_tightbbox(), figures[0].get_size_inches()
    assert min(drawn.x0, drawn.y0) > -0.01
    assert (drawn.x1 < width + 0.01, drawn.y1 < height + 0.01) == (True, True)


def test_cells_hold_counts_and_labels_hold_totals(figures):
    run.confusion_matrix(np.array([[1234, 5], [6, 70]]), ["normal", "attack"], Path(), "", simulated=False)
    cells = {"1,234", "5", "6", "70"}
    totals = {"normal\nn = 1,239", "attack\nn = 76", "normal\nn = 1,240", "attack\nn = 75"}
    assert cells | totals <= set(texts(figures[0]))


@pytest.mark.parametrize("count", [2, 6, 12])
def test_numbers_fit_into_their_cells(count, figures):
    draw_matrix(Path(), count)
    figures[0].draw_without_rendering()
    axes = figures[0].axes[0]
    cell = axes.get_window_extent().width / count
    assert max(number.get_window_extent().width for number in axes.texts) < 0.9 * cell


def test_many_classes_have_no_numbers_in_cells(figures):
    draw_matrix(Path(), 13)
    assert not figures[0].axes[0].texts


def test_a_cells_colour_is_its_share_of_the_true_class(figures):
    run.confusion_matrix(np.array([[3, 1], [0, 8]]), ["normal", "attack"], Path(), "", simulated=False)
    assert figures[0].axes[0].images[0].get_array().tolist() == [[0.75, 0.25], [0.0, 1.0]]


def test_a_class_without_rows_has_no_colour(figures):
    draw_matrix(Path())
    assert figures[0].axes[0].images[0].get_array().mask.all(axis=1).tolist() == [False, False, False, True, False]


def test_bars_are_as_high_as_the_table_says(figures):
    table = per_class(np.array([[6, 2], [1, 3]]), ["normal", "attack"])
    run.per_class(table, Path(), "", simulated=False)
    heights = [bar.get_height() for bar in figures[0].axes[0].patches]
    assert heights == [*table["precision"], *table["recall"], *table["f1"]]


def test_the_error_bar_is_the_interval_of_recall(figures):
    table = per_class(np.array([[6, 2], [1, 3]]), ["normal", "attack"])
    run.per_class(table, Path(), "", simulated=False)
    (stems,) = figures[0].axes[0].collections
    ends = np.array([segment[:, 1] for segment in stems.get_segments()])
    np.testing.assert_allclose(ends, table.select("recall_low", "recall_high").to_numpy())


def test_the_kept_epoch_is_named_in_both_panels(figures):
    draw_history(Path(), best_epoch=2)
    assert texts(figures[0]).count("kept: epoch 2") == 2


def test_without_a_kept_epoch_none_is_marked(figures):
    draw_history(Path(), best_epoch=None)
    assert not [text for text in texts(figures[0]) if "kept" in text]


def test_a_missing_loss_leaves_a_gap(figures):
    draw_history(Path())
    assert np.isnan(figures[0].axes[0].lines[0].get_ydata()).tolist() == [True, False, False]


def test_at_most_forty_features_are_shown_and_the_rest_is_counted(figures):
    draw_scores(Path(), 120)
    axes = figures[0].axes[0]
    assert (len(axes.patches), "80 more not shown, 20 of them kept" in axes.get_xlabel()) == (40, True)


def test_few_features_are_all_shown(figures):
    draw_scores(Path(), 40)
    assert "more" not in figures[0].axes[0].get_xlabel()


def test_features_are_ranked_and_the_kept_ones_coloured(figures):
    run.feature_scores(["b", "a", "c"], np.array([1, 2, np.nan]), [False, True, False], Path(), "", simulated=False)
    axes = figures[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in axes.patches]
    assert colours == [canvas.BLUE, canvas.GREY, canvas.GREY]


def test_a_feature_without_a_score_says_so(figures):
    run.feature_scores(["a", "b"], np.array([np.nan, 2000.0]), [False, True], Path(), "", simulated=False)
    assert [note.get_text() for note in figures[0].findobj(Annotation)] == ["2,000", "no score"]


def test_a_dollar_sign_in_a_name_is_no_mathematics(tmp_path):
    # An unclosed formula would raise when drawn.
    run.confusion_matrix(np.eye(2, dtype=int), ["$\\frac$", "b"], tmp_path / "it.png", "$\\x$", simulated=False)
    assert (tmp_path / "it.png").exists()


def test_long_names_are_shortened():
    assert (canvas.shorten("x" * 32), canvas.shorten("y" * 33)) == ("x" * 32, "y" * 31 + "…")


@pytest.mark.parametrize("title", ["a $x_{$ b", r"\$ a $ b $", r"of $\frac{ and more $, "])
def test_a_heading_is_no_mathematics_also_where_it_is_broken_into_lines(title: str) -> None:
    figure, _ = canvas.panels(2, 2, title * 4, simulated=True)
    figure.canvas.draw()
    (heading,) = figure.texts
    assert not cbook.is_math_text(heading.get_text())
    assert heading.get_text().replace(r"\$", "$") == f"SIMULATED: {title * 4}"
