"""The typed schemas of `conf/model/` and `conf/trainer/`."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from iot_ids.common.bounds import Between
from iot_ids.common.errors import UserError

Trees = Annotated[int, Between(1, 100_000)]
"""Trees of a forest, which are created all at once, and steps of boosting."""
Passes = Annotated[int, Between(1, 1_000_000)]
"""Passes over the training rows."""
Cores = Annotated[int, Between(-1_000, 1_000)]
"""CPU cores; -1 for all, -2 for all but one."""
Depth = Annotated[int | None, Between(1, 1_000_000)]
"""Levels of a tree; as many as it takes if None."""
Cost = Annotated[float, Between(1e-20, 1e20)]
"""The C of a support vector machine; liblinear's search does not end at 1e-200, nor at 1e300."""
Int32 = Annotated[int, Between(1, 2**31 - 1)]
"""A count that native code holds in 32 bits."""


class Cell(Enum):
    """The recurrent unit."""

    gru = "gru"
    lstm = "lstm"
    rnn = "rnn"


class Sequence(Enum):
    """What the recurrent network reads in one step."""

    flow = "flow"
    """A single step with all features: the recurrent weights see only zeros, so it is a gated feed-forward network."""
    features = "features"
    """One step per feature, one number wide."""
    window = "window"
    """One step per flow: the preceding flows of the same source, then the flow itself."""


class Loss(Enum):
    """The training loss."""

    cross_entropy = "cross_entropy"
    focal = "focal"
    """Cross-entropy times (1 - p)^2: rows already classified well weigh less (Lin et al. 2017)."""


class ClassWeights(Enum):
    """The weight of a class's rows in the loss."""

    none = "none"
    balanced = "balanced"
    """Inverse to the class's share of the training rows: every class weighs the same."""
    square_root = "square_root"
    """Inverse to the square root of that share: a compromise."""


class Schedule(Enum):
    """The learning rate over the epochs."""

    constant = "constant"
    cosine = "cosine"
    """From the full rate down to zero along half a cosine."""
    one_cycle = "one_cycle"
    """Up to the full rate over the first 30 % of the steps, then down (Smith and Topin 2017)."""


@dataclass
class Model:
    """What the settings of every model begin with."""

    name: str
    _target_: str


@dataclass
class Network(Model):
    """Settings of every network: width, depth and training recipe."""

    hidden_size: Annotated[int, Between(1, 10_000)]
    layers: Annotated[int, Between(1, 100)]
    dropout: float
    """Between layers and before the output, while training."""
    learning_rate: float
    weight_decay: float
    schedule: Schedule
    loss: Loss
    class_weights: ClassWeights


@dataclass
class Recurrent(Network):
    """A recurrent network: GRU, LSTM or Elman."""

    cell: Cell
    bidirectional: bool
    sequence: Sequence
    window: Annotated[int, Between(1, 10_000)] = 10
    """Flows per window, including the flow itself; only used with `sequence=window`."""


@dataclass
class FeedForward(Network):
    """A feed-forward network."""


@dataclass
class Neighbours(Model):
    """K nearest neighbours."""

    n_neighbors: Int32
    weights: str
    n_jobs: Cores
    """CPU cores; -1 for all."""


@dataclass
class NaiveBayes(Model):
    """Gaussian naive Bayes."""

    var_smoothing: float


@dataclass
class GradientBoosting(Model):
    """Gradient boosting over histograms."""

    max_iter: Trees
    learning_rate: float
    max_leaf_nodes: Annotated[int, Between(2, 1_000_000)]
    class_weight: str | None


@dataclass
class DecisionTree(Model):
    """One decision tree."""

    max_depth: Depth
    min_samples_leaf: Int32
    class_weight: str | None


@dataclass
class RandomForest(Model):
    """A random forest."""

    n_estimators: Trees
    max_depth: Depth
    min_samples_leaf: Int32
    class_weight: str | None
    n_jobs: Cores
    """CPU cores while training; -1 for all."""


@dataclass
class LinearSvm(Model):
    """A linear support vector machine."""

    C: Cost
    dual: bool
    class_weight: str | None


@dataclass
class NystroemSvm(Model):
    """A support vector machine whose RBF kernel is approximated by random features."""

    C: Cost
    gamma: float | str
    components: Int32
    epochs: Passes
    class_weight: str | None


@dataclass
class ExactSvm(Model):
    """A support vector machine with the exact RBF kernel."""

    C: Cost
    gamma: float | str
    max_rows: Int32
    """The most training rows accepted: time grows with their square."""
    class_weight: str | None


@dataclass
class IsolationForest(Model):
    """An isolation forest trained on normal flows."""

    n_estimators: Trees
    max_samples: Int32
    false_positive_rate: float
    """The share of validation's normal flows that may be called attacks; sets the threshold."""


@dataclass
class Majority(Model):
    """A constant prediction."""

    strategy: str


@dataclass
class Trainer:
    """How networks are trained; ignored by models without epochs."""

    name: str
    accelerator: str
    """`cpu`, `gpu` or `auto`."""
    max_epochs: Passes
    batch_size: Int32
    """Rows per step."""
    patience: Passes
    """Epochs without a better `val/f1_macro` before training stops."""
    gradient_clip: float
    """Largest norm of the gradient; 0 turns clipping off."""
    threads: Annotated[int | None, Between(1, 1_000)] = None
    """PyTorch's CPU threads while training; None chooses by the size of a step (`training.py`)."""
    bf16: bool = False
    """Whether a GPU uses bfloat16 where that is safe; ignored on the CPU. Not benchmarked yet."""


def require_positive(counts: dict[str, int]) -> None:
    """Raise a UserError naming the key of a count below 1."""
    for key, count in counts.items():
        if count < 1:
            raise UserError(f"{key}={count} has to be at least 1")


def check_trainer(trainer: Trainer) -> None:
    """Raise a UserError if the trainer could not take a step."""
    require_positive(
        {
            "trainer.max_epochs": trainer.max_epochs,
            "trainer.batch_size": trainer.batch_size,
            "trainer.patience": trainer.patience,
            "trainer.threads": 1 if trainer.threads is None else trainer.threads,
        }
    )
