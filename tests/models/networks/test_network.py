"""Training, on problems whose answer is planted."""

import json
import math
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Table, predict_probabilities, with_padding_row
from iot_ids.models.networks.network import FeedForwardNetwork, RecurrentClassifier, RecurrentNetwork
from iot_ids.models.spec import Cell, Sequence, Trainer

CPU = Trainer(name="cpu", accelerator="cpu", max_epochs=12, batch_size=64, patience=12, gradient_clip=1.0)


def classifier(trainer: Trainer = CPU, **changes: Any) -> RecurrentClassifier:
    settings: dict[str, Any] = {
        "cell": "gru",
        "hidden_size": 16,
        "layers": 1,
        "dropout": 0.0,
        "bidirectional": False,
        "sequence": "flow",
        "learning_rate": 0.02,
        "weight_decay": 0.0,
        "schedule": "cosine",
        "loss": "cross_entropy",
        "class_weights": "none",
    }
    return RecurrentClassifier(**settings | changes, trainer=trainer)


def separable(rows: int = 500, seed: int = 0) -> Table:
    """Three classes, each around its own corner."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    return Table((np.eye(3)[y] + random.normal(0, 0.15, (rows, 3))).astype(np.float32), y)


def noise(rows: int = 500, seed: int = 0) -> Table:
    random = np.random.default_rng(seed)
    return Table(random.normal(size=(rows, 3)).astype(np.float32), random.integers(0, 3, rows))


class Epochs(list[dict[str, float]]):
    """Keeps what is reported, and raises `end` after epoch `last`."""

    def __init__(self, last: int = -1, end: BaseException | None = None) -> None:
        super().__init__()
        self.last, self.end = last, end

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        assert epoch == len(self)
        self.append(dict(metrics))
        if self.end is not None and epoch == self.last:
            raise self.end


def trained(model: RecurrentClassifier, train: Table, seed: int = 0, held_out: Table | None = None) -> Epochs:
    epochs = Epochs()
    model.fit(train, held_out or separable(200, seed=1), 3, seed, epochs)
    return epochs


def macro(model: RecurrentClassifier, table: Table) -> float:
    return float(f1_score(table.y, model.probabilities(table.x).argmax(axis=1), average="macro"))


def weights(model: RecurrentClassifier) -> list[np.ndarray]:
    return [weight.numpy() for weight in model.network.state_dict().values()]


def equal(one: RecurrentClassifier, other: RecurrentClassifier) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


# --- learning


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize("sequence", ["flow", "features"])
def test_a_separable_problem_is_learned(cell: str, sequence: str) -> None:
    model = classifier(cell=cell, sequence=sequence)
    trained(model, separable())
    assert macro(model, separable(500, seed=2)) > 0.95


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_every_schedule_learns(schedule: str) -> None:
    model = classifier(schedule=schedule)
    trained(model, separable())
    assert macro(model, separable(500, seed=2)) > 0.95


@pytest.mark.parametrize("settings", [{"loss": "focal"}, {"dropout": 0.2, "layers": 2}, {"bidirectional": True}])
def test_every_variant_learns(settings: dict[str, Any]) -> None:
    model = classifier(**settings)
    trained(model, separable())
    assert macro(model, separable(500, seed=2)) > 0.95


def test_labels_that_are_noise_are_not_learned() -> None:
    model = classifier()
    trained(model, noise(), held_out=noise(200, seed=1))
    assert macro(model, noise(2000, seed=2)) < 0.45


def test_class_weights_help_a_rare_class() -> None:
    def overlapping(rows: int, seed: int) -> Table:
        random = np.random.default_rng(seed)
        y = (random.uniform(size=rows) < 0.03).astype(np.int64)
        return Table((y[:, None] + random.normal(0, 0.7, (rows, 1))).astype(np.float32), y)

    def recall(kind: str) -> float:
        model = classifier(class_weights=kind)
        model.fit(overlapping(2000, 0), overlapping(500, 1), 2, 0, lambda *_: None)
        table = overlapping(5000, 2)
        return float((model.probabilities(table.x).argmax(axis=1) == 1)[table.y == 1].mean())

    assert recall("balanced") > recall("none") + 0.3


# --- windows


def remembered(rows: int = 800, seed: int = 0, places: int = 3) -> Table:
    """Flows of one number; a row's class is that of the flow before its own, and 2 where there is none before."""
    random = np.random.default_rng(seed)
    sign = random.integers(0, 2, rows)
    x = (sign[:, None] * 2 - 1 + random.normal(0, 0.1, (rows, 1))).astype(np.float32)
    length = np.minimum(np.arange(rows) % 5 + 1, places)
    at = np.arange(rows)[:, None] - length[:, None] + 1 + np.arange(places)
    steps = np.where(np.arange(places) < length[:, None], at, -1)
    return Table(with_padding_row(x), np.where(length > 1, np.roll(sign, 1), 2), steps)


def said(model: RecurrentClassifier, table: Table) -> np.ndarray:
    return predict_probabilities(model, table.x, table.steps).argmax(axis=1)


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize("both", [False, True])
def test_a_network_of_windows_learns_what_the_flow_before_says(cell: str, both: bool) -> None:
    model = classifier(cell=cell, sequence="window", bidirectional=both)
    trained(model, remembered(), held_out=remembered(seed=1))
    table = remembered(seed=2)
    assert (said(model, table) == table.y).mean() > 0.95


def test_windows_are_scored_in_slices_to_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    model, table = classifier(sequence="window"), remembered(50)
    trained(model, table, held_out=table)
    assert table.steps is not None
    whole = model.probabilities(table.x[table.steps])
    monkeypatch.setattr("iot_ids.models.classifier.WINDOWS", 7)
    np.testing.assert_allclose(predict_probabilities(model, table.x, table.steps), whole, atol=1e-6)


def test_a_kept_network_of_windows_answers_as_before(tmp_path: Path) -> None:
    model, table = classifier(sequence="window", bidirectional=True), remembered(50)
    trained(model, table, held_out=table)
    model.save(tmp_path)
    loaded = RecurrentClassifier.load(tmp_path)
    assert np.array_equal(
        predict_probabilities(loaded, table.x, table.steps), predict_probabilities(model, table.x, table.steps)
    )


def test_the_same_seed_gives_the_same_network_of_windows() -> None:
    one, other = classifier(sequence="window"), classifier(sequence="window")
    for model in (one, other):
        trained(model, remembered(200), held_out=remembered(100, seed=1))
    assert equal(one, other)


def test_a_window_of_no_flows_is_refused() -> None:
    with pytest.raises(UserError, match=r"model\.window=0"):
        classifier(sequence="window", window=0)


# --- epochs


def test_every_epoch_reports_its_losses_and_score() -> None:
    epochs = trained(classifier(), separable())
    assert len(epochs) == CPU.max_epochs
    assert all(set(metrics) == {"train/loss", "val/loss", "val/f1_macro"} for metrics in epochs)


def test_the_reported_loss_falls_on_a_separable_problem() -> None:
    epochs = trained(classifier(), separable())
    assert epochs[-1]["train/loss"] < epochs[0]["train/loss"] / 3


def test_the_first_loss_is_near_that_of_a_guess() -> None:
    epochs = trained(classifier(learning_rate=1e-6), separable())
    assert epochs[0]["val/loss"] == pytest.approx(math.log(3), abs=0.15)


def test_the_kept_weights_are_the_best_epochs() -> None:
    model, held_out = classifier(learning_rate=0.3, schedule="constant"), noise(200, seed=1)
    epochs = trained(model, noise(), held_out=held_out)
    scores = [metrics["val/f1_macro"] for metrics in epochs]
    assert max(scores) > scores[-1]  # else this proves nothing
    assert macro(model, held_out) == pytest.approx(max(scores), abs=1e-6)


def test_of_equally_good_epochs_the_first_is_kept() -> None:
    long = classifier(schedule="constant")
    scores = [metrics["val/f1_macro"] for metrics in trained(long, separable())]
    first = scores.index(max(scores))
    assert scores.count(max(scores)) > 1  # else this proves nothing
    short = classifier(replace(CPU, max_epochs=first + 1), schedule="constant")
    trained(short, separable())
    assert equal(long, short)


def test_training_stops_when_patience_ends() -> None:
    epochs = trained(classifier(replace(CPU, max_epochs=50, patience=2)), separable())
    scores = [metrics["val/f1_macro"] for metrics in epochs]
    assert len(epochs) == scores.index(max(scores)) + 3 < 50


def test_a_network_that_diverges_is_refused_with_its_learning_rate() -> None:
    with pytest.raises(UserError, match=r"the loss became .*model\.learning_rate=1e\+38"):
        trained(classifier(replace(CPU, gradient_clip=0.0), learning_rate=1e38), separable())


# --- ending early


class PrunedError(Exception):
    """A sweep's way to end a trial."""


@pytest.mark.parametrize("end", [PrunedError("enough"), KeyboardInterrupt("by hand"), SystemExit(3)])
def test_what_report_raises_arrives_unchanged(end: BaseException) -> None:
    epochs = Epochs(1, end)
    with pytest.raises(type(end)) as caught:
        classifier().fit(separable(), separable(200, seed=1), 3, 0, epochs)
    assert caught.value is end
    assert len(epochs) == 2


def test_ctrl_c_still_works_after_an_interrupted_training() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        classifier().fit(separable(), separable(200, seed=1), 3, 0, Epochs(0, KeyboardInterrupt()))
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_signal_while_training_arrives_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    def report(epoch: int, metrics: Mapping[str, float]) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            classifier().fit(separable(), separable(200, seed=1), 3, 0, report)
        assert signal.getsignal(signal.SIGTERM) is stop
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capfd.readouterr() == ("", "")


# --- dropout

NETWORKS = {
    "recurrent": lambda: RecurrentNetwork(Cell.gru, 5, 3, 4, 1, 0.5, False, Sequence.flow),
    "feedforward": lambda: FeedForwardNetwork(5, 3, 4, 2, 0.5),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_dropout_is_on_while_training_alone(network: str) -> None:
    torch.manual_seed(0)
    net, x = NETWORKS[network](), torch.rand(6, 5)
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


# --- seeds


@pytest.mark.parametrize("seed", [0, 5])
def test_equal_seeds_give_the_same_bits(seed: int) -> None:
    one, other = classifier(dropout=0.3), classifier(dropout=0.3)
    trained(one, separable(), seed)
    torch.rand(3)  # what came before must not matter
    trained(other, separable(), seed)
    assert equal(one, other)


@pytest.mark.parametrize(("threads", "expected"), [(1, 1), (2, 2), (None, 1)])
def test_threads_are_those_asked_for_or_that_a_step_pays_for(threads: int | None, expected: int) -> None:
    seen, before = [], torch.get_num_threads()
    model = classifier(replace(CPU, max_epochs=1, threads=threads))
    model.fit(separable(), noise(), 3, 0, lambda *_: seen.append(torch.get_num_threads()))
    assert (seen, torch.get_num_threads()) == ([expected], before)


def test_bf16_is_not_for_a_cpu() -> None:
    plain, asked = classifier(), classifier(replace(CPU, bf16=True))
    trained(plain, separable())
    trained(asked, separable())
    assert equal(plain, asked)


def test_seed_zero_is_not_seed_one() -> None:
    zero, one = classifier(), classifier()
    trained(zero, separable(), seed=0)
    trained(one, separable(), seed=1)
    assert not equal(zero, one)


def test_a_second_fit_starts_anew() -> None:
    once, twice = classifier(), classifier()
    trained(once, separable())
    for _ in range(2):
        trained(twice, separable())
    assert equal(once, twice)


# --- scoring and keeping


@pytest.fixture(scope="module")
def ready() -> RecurrentClassifier:
    model = classifier(bidirectional=True, layers=2)
    trained(model, separable())
    return model


def test_probabilities_add_up_to_one(ready: RecurrentClassifier) -> None:
    probabilities = ready.probabilities(separable().x)
    assert probabilities.shape == (500, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_slices_do_not_change_the_answers(ready: RecurrentClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ready.probabilities(separable(50).x)
    monkeypatch.setattr("iot_ids.models.networks.network.SCORING_ROWS", 7)
    np.testing.assert_allclose(ready.probabilities(separable(50).x), whole, atol=1e-6)


def test_no_rows_have_no_answers(ready: RecurrentClassifier) -> None:
    assert ready.probabilities(np.empty((0, 3), dtype=np.float32)).shape == (0, 3)


def test_parameters_are_counted(ready: RecurrentClassifier) -> None:
    gates = [3 * 16 * (inputs + 16 + 2) * 2 for inputs in (3, 32)]
    assert ready.parameters() == sum(gates) + (32 + 1) * 3


def test_a_loaded_network_gives_the_same_bits(ready: RecurrentClassifier, tmp_path: Path) -> None:
    ready.save(tmp_path)
    loaded = RecurrentClassifier.load(tmp_path)
    assert np.array_equal(loaded.probabilities(separable().x), ready.probabilities(separable().x))


def test_a_kept_network_is_json_and_safetensors(ready: RecurrentClassifier, tmp_path: Path) -> None:
    ready.save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["network.json", "network.safetensors"]
    assert json.loads((tmp_path / "network.json").read_text())["cell"] == "gru"


# --- refusals


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", 0),
        ("layers", 0),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("weight_decay", -1.0),
    ],
)
def test_a_setting_of_the_model_out_of_range_is_named(key: str, value: float) -> None:
    with pytest.raises(UserError, match=f"model.{key}={value}"):
        classifier(**{key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("max_epochs", 0), ("batch_size", 0), ("patience", 0), ("gradient_clip", -1.0), ("accelerator", "abacus")],
)
def test_a_setting_of_the_trainer_out_of_range_is_named(key: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"trainer.{key}={value}"):
        classifier(replace(CPU, **{key: value}))


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="trainer=gpu: PyTorch finds no GPU"):
        classifier(replace(CPU, accelerator="gpu"))


# --- manners


def test_training_says_nothing(capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    trained(classifier(replace(CPU, max_epochs=2, patience=2)), separable())
    assert [str(warning.message) for warning in recwarn] == []
    assert capfd.readouterr() == ("", "")


def test_training_leaves_the_warning_filters() -> None:
    before = list(warnings.filters)
    trained(classifier(replace(CPU, max_epochs=1)), separable())
    assert warnings.filters == before


def test_training_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained(classifier(replace(CPU, max_epochs=1)), separable())
    assert not list(tmp_path.iterdir())


def test_scoring_needs_no_lightning(ready: RecurrentClassifier, tmp_path: Path) -> None:
    ready.save(tmp_path)
    script = (
        "import sys; from pathlib import Path; import numpy; "
        "from iot_ids.models.networks.network import RecurrentClassifier; "
        f"model = RecurrentClassifier.load(Path({str(tmp_path)!r})); "
        "model.probabilities(numpy.zeros((2, 3), 'float32')); "
        "sys.exit('lightning' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
