"""Train a GRU-64 in three ways on the same rows: with our code, with Keras `fit`, and with a plain loop around nn.GRU.

Each shuffles the rows every epoch, takes AdamW steps at the same learning rate, clips the gradient to norm 1, and after
every epoch evaluates validation rows, a quarter as many. Each uses its default number of threads.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Part = tuple[NDArray[np.float32], NDArray[np.int64]]
FEATURES, CLASSES, HIDDEN = 10, 5, 64
RATE, CLIP = 1e-3, 1.0
SCORING_ROWS = 16_384


@dataclass(frozen=True)
class Case:
    """The shape of the input, the batch size, and the number of training rows."""

    what: str
    by_feature: bool
    """Whether a row is ten steps of one feature; otherwise one step of ten features."""
    batch: int
    rows: int

    def parts(self) -> tuple[Part, Part]:
        """Generate training and validation rows of uniform numbers, the first of which determines the class."""
        random = np.random.default_rng(0)
        x = random.random((self.rows + self.rows // 4, FEATURES), dtype=np.float32)
        y = (x[:, 0] * CLASSES).astype(np.int64)
        return (x[: self.rows], y[: self.rows]), (x[self.rows :], y[self.rows :])


def ours(case: Case) -> float:
    """Time the second epoch."""
    from iot_ids.models.classifier import Table
    from iot_ids.models.networks.network import RecurrentClassifier
    from iot_ids.models.spec import Trainer

    ends: list[float] = []

    def report(epoch: int, metrics: Mapping[str, float]) -> None:
        ends.append(time.perf_counter())

    model = RecurrentClassifier(
        cell="gru",
        hidden_size=HIDDEN,
        layers=1,
        dropout=0.0,
        bidirectional=False,
        sequence="features" if case.by_feature else "flow",
        learning_rate=RATE,
        weight_decay=0.0,
        schedule="constant",
        loss="cross_entropy",
        class_weights="none",
        trainer=Trainer("cpu", "cpu", max_epochs=2, batch_size=case.batch, patience=2, gradient_clip=CLIP),
    )
    train, validation = case.parts()
    model.fit(Table(*train), Table(*validation), CLASSES, 0, report)
    return ends[1] - ends[0]


def keras(case: Case) -> float:
    """Time the second epoch, after the first has traced the graph."""
    import keras

    ends: list[float] = []
    (x, y), validation = case.parts()
    shape = (FEATURES, 1) if case.by_feature else (1, FEATURES)
    model = keras.Sequential([keras.Input(shape), keras.layers.GRU(HIDDEN), keras.layers.Dense(CLASSES)])
    model.compile(
        keras.optimizers.AdamW(RATE, weight_decay=0.0, global_clipnorm=CLIP),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(
        x.reshape(-1, *shape),
        y,
        batch_size=case.batch,
        epochs=2,
        verbose=0,
        validation_data=(validation[0].reshape(-1, *shape), validation[1]),
        validation_batch_size=SCORING_ROWS,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter()))],
    )
    return ends[1] - ends[0]


def bare(case: Case) -> float:
    """Time the second epoch."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(1 if case.by_feature else FEATURES, HIDDEN, batch_first=True)
            self.output = nn.Linear(HIDDEN, CLASSES)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            _, state = self.gru(x)
            return self.output(state[-1])  # type: ignore[no-any-return]

    (x, y), (held_x, held_y) = ((torch.from_numpy(x), torch.from_numpy(y)) for x, y in case.parts())
    x, held_x = (part.unsqueeze(-1 if case.by_feature else 1) for part in (x, held_x))
    network, loss = Network(), nn.CrossEntropyLoss()
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.0)

    def epoch() -> None:
        for rows in torch.split(torch.randperm(len(y)), case.batch):
            optimiser.zero_grad()
            loss(network(x[rows]), y[rows]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimiser.step()
        with torch.no_grad():
            for part, codes in zip(torch.split(held_x, SCORING_ROWS), torch.split(held_y, SCORING_ROWS), strict=True):
                loss(network(part), codes)

    epoch()
    start = time.perf_counter()
    epoch()
    return time.perf_counter() - start
