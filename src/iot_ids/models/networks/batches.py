"""Batches as slices of one tensor; a DataLoader that collates row by row takes longer than the training itself."""

from collections.abc import Iterator

import torch
from torch import Tensor


class Batches:
    """Iterate over `(x, y)` in slices of `size` rows, shuffled anew for every epoch if a seed is given.

    The whole table is shuffled at once, so a batch is a view. The last batch may be smaller. With `steps`, as in
    `Table`, only these are shuffled, and each batch's windows are gathered when needed, so that a flow is stored once,
    not once per window.
    """

    def __init__(self, x: Tensor, y: Tensor, size: int, seed: int | None = None, steps: Tensor | None = None) -> None:
        self.x, self.y, self.size, self.steps = x, y, size, steps
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-len(self.y) // self.size)

    def first(self) -> Tensor:
        """Return the table's first `size` rows, unshuffled."""
        return self.x[: self.size] if self.steps is None else self.x[self.steps[: self.size]]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rows, y = self.x if self.steps is None else self.steps, self.y
        if self.generator is not None:
            order = torch.randperm(len(y), generator=self.generator).to(y.device)
            rows, y = rows.index_select(0, order), y.index_select(0, order)
        batches = zip(torch.split(rows, self.size), torch.split(y, self.size), strict=True)
        return batches if self.steps is None else ((self.x[steps], codes) for steps, codes in batches)


class WholeEpoch:
    """A loader for the Trainer with a single item: all batches of an epoch."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Batches]:
        yield self.batches
