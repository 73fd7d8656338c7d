"""Batches as slices of one tensor. A DataLoader that collects row by row takes longer than the training itself."""

from collections.abc import Iterator

import torch
from torch import Tensor


class Batches:
    """Iterates over `(x, y)` in slices of `size` rows; where a seed is given, in a new order every time round.

    The order is drawn for the whole table at once and the table gathered once, so a batch is a view. The last one may
    be smaller. With `steps`, as in `Table`, these are gathered in that order instead, and each batch's windows when
    their turn comes, so that a flow is held once, not once per window.
    """

    def __init__(self, x: Tensor, y: Tensor, size: int, seed: int | None = None, steps: Tensor | None = None) -> None:
        self.x, self.y, self.size, self.steps = x, y, size, steps
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-len(self.y) // self.size)

    def first(self) -> Tensor:
        """The table's first `size` rows, in its own order."""
        return self.x[: self.size] if self.steps is None else self.x[self.steps[: self.size]]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rows, y = self.x if self.steps is None else self.steps, self.y
        if self.generator is not None:
            order = torch.randperm(len(y), generator=self.generator).to(y.device)
            rows, y = rows.index_select(0, order), y.index_select(0, order)
        batches = zip(torch.split(rows, self.size), torch.split(y, self.size), strict=True)
        return batches if self.steps is None else ((self.x[steps], codes) for steps, codes in batches)


class WholeEpoch:
    """What the Trainer is given as a loader: one item, all the batches of an epoch."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Batches]:
        yield self.batches
