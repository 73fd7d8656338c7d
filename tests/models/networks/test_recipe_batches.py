"""Batches: every row once per epoch, in an order that the seed decides."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iot_ids.models.networks.recipe import Batches


def batches(rows: int = 10, size: int = 4, seed: int | None = None) -> Batches:
    y = torch.arange(rows)
    return Batches(y[:, None].float() * 2, y, size, seed)


def order(epoch: Batches) -> list[int]:
    return [int(code) for _, y in epoch for code in y]


@given(rows=st.integers(1, 60), size=st.integers(1, 70), seed=st.none() | st.integers(0, 9))
def test_every_row_comes_once(rows: int, size: int, seed: int | None) -> None:
    assert sorted(order(batches(rows, size, seed))) == list(range(rows))


@given(rows=st.integers(1, 60), size=st.integers(1, 70))
def test_the_length_is_the_number_of_batches(rows: int, size: int) -> None:
    assert len(batches(rows, size)) == len(list(batches(rows, size)))


def test_all_but_the_last_batch_are_full() -> None:
    assert [len(y) for _, y in batches(10, 4, seed=1)] == [4, 4, 2]


def test_rows_keep_their_labels() -> None:
    assert all(torch.equal(x[:, 0], y * 2) for x, y in batches(seed=3))


def test_without_a_seed_the_order_is_the_tables() -> None:
    assert order(batches()) == list(range(10))


def test_epochs_have_different_orders() -> None:
    epochs = batches(rows=50, seed=0)
    assert order(epochs) != order(epochs)


@pytest.mark.parametrize("seed", [0, 7])
def test_equal_seeds_have_equal_orders(seed: int) -> None:
    one, other = batches(50, seed=seed), batches(50, seed=seed)
    assert [order(one), order(one)] == [order(other), order(other)]


def test_seed_zero_shuffles() -> None:
    assert order(batches(50, seed=0)) != list(range(50))


def test_seed_zero_is_not_seed_one() -> None:
    assert order(batches(50, seed=0)) != order(batches(50, seed=1))


def test_the_global_generator_has_no_part_in_the_order() -> None:
    torch.manual_seed(1)
    one = order(batches(50, seed=0))
    torch.manual_seed(2)
    assert order(batches(50, seed=0)) == one


@pytest.mark.parametrize("seed", [None, 0])
def test_batches_are_views_of_one_table(seed: int | None) -> None:
    storages = {x.untyped_storage().data_ptr() for x, _ in batches(seed=seed)}
    assert len(storages) == 1


def test_shuffling_leaves_the_table() -> None:
    shuffled = batches(seed=0)
    order(shuffled)
    assert shuffled.y.tolist() == list(range(10))


# --- windows


def of_windows(rows: int = 10, size: int = 4, seed: int | None = None) -> Batches:
    """Row `r` reads flows `r` and `r + 1` of a table whose flow `f` is the number `f`, and one step of padding."""
    x = torch.cat([torch.arange(rows + 1.0), torch.tensor([torch.nan])])[:, None]
    y = torch.arange(rows)
    return Batches(x, y, size, seed, torch.stack([y, y + 1, torch.full_like(y, -1)], dim=1))


@given(rows=st.integers(1, 40), size=st.integers(1, 50), seed=st.none() | st.integers(0, 9))
def test_every_row_gets_its_own_window(rows: int, size: int, seed: int | None) -> None:
    for x, y in of_windows(rows, size, seed):
        assert torch.equal(x[:, :2, 0], torch.stack([y, y + 1], dim=1).float())
        assert x[:, 2].isnan().all()


@pytest.mark.parametrize("seed", [None, 0, 5])
def test_windows_come_in_the_order_of_flows(seed: int | None) -> None:
    one, other = of_windows(50, 8, seed), batches(50, 8, seed)
    assert [order(one), order(one)] == [order(other), order(other)]
