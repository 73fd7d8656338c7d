"""Plot a sweep. All scores are measured on validation rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator
from optuna import Study, importance
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from iot_ids.plots.canvas import BLUE, DARK, GREY, ORANGE, PALE, VERMILION, panels, shorten
from iot_ids.plots.canvas import write as write_png
from iot_ids.sweep.space import FEATURES

FEWEST_FOR_IMPORTANCE = 10
"""With fewer complete trials the importances would be mostly chance."""


def write(
    study: Study, trials: Sequence[FrozenTrial], objectives: Sequence[str], title: str, simulated: bool, folder: Path
) -> None:
    """Write the plots for which the study has enough trials: history, importances, feature count, Pareto front."""
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    history(study, trials, objectives, title, simulated, folder / "history.png")
    varied = len({trial.values[0] for trial in complete}) > 1  # otherwise there is no variance to explain
    if len(complete) >= FEWEST_FOR_IMPORTANCE and len(complete[0].params) > 1 and varied:
        importances(study, objectives[0], title, simulated, folder / "importances.png")
    if any(FEATURES in trial.params for trial in complete):
        feature_count(study, complete, objectives[0], title, simulated, folder / "feature_count.png")
    if len(objectives) > 1:
        pareto_front(study, complete, objectives, title, simulated, folder / "pareto_front.png")


def history(
    study: Study, trials: Sequence[FrozenTrial], objectives: Sequence[str], title: str, simulated: bool, path: Path
) -> None:
    """Plot each trial's value and the best so far, one panel per objective; pruned trials with their last value."""
    figure, axes = panels(4.5 * len(objectives) + 1.5, 4, title, simulated, len(objectives))
    for at, (panel, name, direction) in enumerate(zip(axes, objectives, study.directions, strict=True)):
        complete = [(trial.number, trial.values[at]) for trial in trials if trial.state is TrialState.COMPLETE]
        numbers, values = map(np.asarray, zip(*complete, strict=True))
        best = np.maximum if direction is StudyDirection.MAXIMIZE else np.minimum
        panel.step(numbers, best.accumulate(values), where="post", color=ORANGE, label="best so far")
        panel.scatter(numbers, values, s=22, color=BLUE, label="complete", zorder=3)
        pruned = [
            (trial.number, trial.intermediate_values[trial.last_step])
            for trial in trials
            if trial.state is TrialState.PRUNED and trial.last_step is not None
        ]
        if pruned:
            at_last, reached = zip(*pruned, strict=True)
            panel.scatter(at_last, reached, s=26, color=GREY, marker="x", label="pruned, at its last epoch")
        panel.set(xlabel="trial", ylabel=name)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.yaxis.grid(True, color=PALE)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    write_png(figure, path)


def importances(study: Study, objective: str, title: str, simulated: bool, path: Path) -> None:
    """Plot how much of the scores' variance each parameter explains (fANOVA, Hutter et al. 2014)."""
    target = None if len(study.directions) == 1 else (lambda trial: trial.values[0])
    found = importance.get_param_importances(
        study, evaluator=importance.FanovaImportanceEvaluator(seed=0), target=target
    )
    names = list(found)[::-1]
    figure, (axes,) = panels(7, 1.4 + 0.4 * len(names), title, simulated)
    axes.barh([shorten(name) for name in names], [found[name] for name in names], color=BLUE)
    for place, name in enumerate(names):
        axes.text(found[name] + 0.01, place, f"{found[name]:.2f}", va="center", color=DARK)
    axes.set(xlim=(0, 1.05), xlabel=f"share of the variance of {objective} that the parameter explains")
    axes.xaxis.grid(True, color=PALE)
    write_png(figure, path)


def feature_count(
    study: Study, complete: Sequence[FrozenTrial], objective: str, title: str, simulated: bool, path: Path
) -> None:
    """Plot the score against the number of features: every complete trial, and the best for each number."""
    those = [trial for trial in complete if FEATURES in trial.params]
    counts = np.array([trial.params[FEATURES] for trial in those])
    values = np.array([trial.values[0] for trial in those])
    figure, (axes,) = panels(7, 4, title, simulated)
    axes.scatter(counts, values, s=22, color=BLUE, label="complete trial", zorder=3)
    tried = np.unique(counts)
    best = np.max if study.directions[0] is StudyDirection.MAXIMIZE else np.min
    axes.plot(tried, [best(values[counts == count]) for count in tried], color=ORANGE, label="best for each number")
    axes.set(xlabel="features kept (selector.k)", ylabel=objective)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.grid(True, color=PALE)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    write_png(figure, path)


def pareto_front(
    study: Study, complete: Sequence[FrozenTrial], objectives: Sequence[str], title: str, simulated: bool, path: Path
) -> None:
    """Plot the first objective against each of the others; a line joins the trials on the Pareto front."""
    front = sorted(study.best_trials, key=lambda trial: trial.values[1])
    figure, axes = panels(4.5 * (len(objectives) - 1) + 1.5, 4, title, simulated, len(objectives) - 1)
    for at, panel in enumerate(axes, start=1):
        panel.scatter(*_points(complete, at), s=22, color=GREY, label="complete trial", zorder=2)
        panel.plot(*_points(front, at), "o-", color=VERMILION, label="Pareto front", zorder=3)
        panel.set(xlabel=objectives[at], ylabel=objectives[0])
        if min(_points(complete, at)[0]) > 0:
            panel.set_xscale("log")
        panel.grid(True, color=PALE)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    write_png(figure, path)


def _points(trials: Sequence[FrozenTrial], at: int) -> tuple[list[float], list[float]]:
    return [trial.values[at] for trial in trials], [trial.values[0] for trial in trials]
