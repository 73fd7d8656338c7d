"""The typed schemas behind the files of `conf/model/` and `conf/trainer/`."""

from dataclasses import dataclass
from enum import Enum


class Cell(Enum):
    """The recurrent unit."""

    gru = "gru"
    lstm = "lstm"
    rnn = "rnn"


class Sequence(Enum):
    """What one step of the recurrent network is."""

    flow = "flow"
    """One step that holds all features: the recurrent weights see only zeros, so it is a gated feed-forward network."""
    features = "features"
    """One step per feature, one number wide."""


class Loss(Enum):
    """What training minimises."""

    cross_entropy = "cross_entropy"
    focal = "focal"
    """Cross-entropy times (1 - p)^2: rows that are already right weigh less (Lin et al. 2017)."""


class ClassWeights(Enum):
    """How much a row of a class weighs in the loss."""

    none = "none"
    balanced = "balanced"
    """Inverse to the class's share of the training rows: every class weighs the same."""
    square_root = "square_root"
    """Inverse to the square root of that share: between the two."""


class Schedule(Enum):
    """The learning rate over the epochs."""

    constant = "constant"
    cosine = "cosine"
    """From the full rate down to zero along half a cosine."""
    one_cycle = "one_cycle"
    """Up to the full rate over the first 30 % of the steps, then down (Smith and Topin 2017)."""


@dataclass
class Recurrent:
    """A recurrent network: GRU, LSTM or Elman."""

    name: str
    _target_: str
    cell: Cell
    hidden_size: int
    layers: int
    dropout: float
    """Between layers and before the output, while training."""
    bidirectional: bool
    sequence: Sequence
    learning_rate: float
    weight_decay: float
    schedule: Schedule
    loss: Loss
    class_weights: ClassWeights


@dataclass
class Neighbours:
    """K nearest neighbours."""

    name: str
    _target_: str
    n_neighbors: int
    weights: str


@dataclass
class NaiveBayes:
    """Gaussian naive Bayes."""

    name: str
    _target_: str
    var_smoothing: float


@dataclass
class GradientBoosting:
    """Gradient boosting over histograms."""

    name: str
    _target_: str
    max_iter: int
    learning_rate: float
    max_leaf_nodes: int
    class_weight: str | None


@dataclass
class Trainer:
    """How networks are trained; models without epochs do not read it."""

    name: str
    accelerator: str
    """`cpu`, `gpu` or `auto`."""
    max_epochs: int
    batch_size: int
    """Rows per step."""
    patience: int
    """Epochs without a better `val/f1_macro` before training stops."""
    gradient_clip: float
    """Largest norm of the gradient; 0 turns clipping off."""
    threads: int = 1
    """Of PyTorch on the CPU, while training."""
