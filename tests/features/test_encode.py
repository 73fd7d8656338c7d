"""From typed columns to numbers."""

import numpy as np
import polars as pl
import pytest

from iot_ids.common.errors import UserError
from iot_ids.features.encode import MOST_NAMES, Encoder

TRAIN = pl.DataFrame(
    {
        "bytes": [1.0, 2.0, 3.0],
        "proto": ["udp", "tcp", "udp"],
        "dur": [0.5, 0.25, 0.125],
        "state": ["CON", "RST", "CON"],
    },
    schema_overrides={"bytes": pl.Float32, "dur": pl.Float32},
)


@pytest.fixture
def encoder() -> Encoder:
    return Encoder.fit(TRAIN, ["dur", "bytes"], ["state", "proto"])


def test_names_are_numbers_first_then_categories_by_alphabet(encoder: Encoder) -> None:
    assert encoder.names == ["dur", "bytes", "state=CON", "state=RST", "proto=tcp", "proto=udp"]


def test_columns_stand_in_the_order_of_the_names(encoder: Encoder) -> None:
    assert encoder.transform(TRAIN).tolist() == [
        [0.5, 1.0, 1.0, 0.0, 0.0, 1.0],
        [0.25, 2.0, 0.0, 1.0, 1.0, 0.0],
        [0.125, 3.0, 1.0, 0.0, 0.0, 1.0],
    ]


def test_the_answer_is_float32_with_each_column_in_one_piece(encoder: Encoder) -> None:
    encoded = encoder.transform(TRAIN)
    assert encoded.dtype == np.float32
    assert encoded.flags.f_contiguous


def test_a_category_not_seen_in_training_is_zero_everywhere(encoder: Encoder) -> None:
    unseen = TRAIN.with_columns(proto=pl.lit("sctp"))
    assert encoder.transform(unseen)[:, 4:].tolist() == [[0.0, 0.0]] * 3


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_missing_or_not_finite_is_nan(encoder: Encoder, value: float | None) -> None:
    flows = TRAIN.with_columns(bytes=pl.Series([1.0, value, 3.0], dtype=pl.Float32))
    assert np.isnan(encoder.transform(flows)[:, 1]).tolist() == [False, True, False]


def test_a_missing_number_leaves_the_rest_of_its_row(encoder: Encoder) -> None:
    flows = TRAIN.with_columns(bytes=pl.Series([None, 2.0, 3.0], dtype=pl.Float32))
    assert encoder.transform(flows)[0, [0, 2, 3, 4, 5]].tolist() == [0.5, 1.0, 0.0, 0.0, 1.0]


def test_columns_are_found_by_name(encoder: Encoder) -> None:
    turned = TRAIN.select("state", "dur", pl.lit(1).alias("other"), "proto", "bytes")
    assert np.array_equal(encoder.transform(turned), encoder.transform(TRAIN))


def test_only_keeps_the_encoders_order(encoder: Encoder) -> None:
    assert encoder.only(["proto=udp", "state=RST", "bytes"]).names == ["bytes", "state=RST", "proto=udp"]


def test_only_keeps_the_columns_values(encoder: Encoder) -> None:
    chosen = encoder.only(["proto=udp", "bytes"]).transform(TRAIN)
    assert np.array_equal(chosen, encoder.transform(TRAIN)[:, [1, 5]])


def test_flows_without_rows_keep_their_width(encoder: Encoder) -> None:
    assert encoder.transform(TRAIN.head(0)).shape == (0, 6)


def test_no_columns_keep_the_rows() -> None:
    assert Encoder((), ()).transform(TRAIN).shape == (3, 0)


def test_as_many_names_as_are_allowed_become_columns() -> None:
    flows = pl.DataFrame({"host": [f"h{row}" for row in range(MOST_NAMES)]})
    assert len(Encoder.fit(flows, [], ["host"]).names) == MOST_NAMES


def test_a_column_of_more_names_is_refused_and_says_where_it_belongs() -> None:
    flows = pl.DataFrame({"proto": ["tcp"] * 120_000, "host": [f"h{row}" for row in range(120_000)]})
    with pytest.raises(UserError, match=r"host has 120,000 names .* into dataset\.columns\.identifiers"):
        Encoder.fit(flows, [], ["proto", "host"])


MISSING = pl.DataFrame({"dur": [0.5, None], "bytes": [1.0, 2.0]}, schema_overrides={"dur": pl.Float32})


def test_a_missing_number_is_zero_and_has_a_column_that_says_so() -> None:
    encoder = Encoder.fit(MISSING, ["dur", "bytes"], [], indicate=True)
    assert encoder.names == ["dur", "bytes", "dur=missing"]
    assert encoder.transform(MISSING).tolist() == [[0.5, 1.0, 0.0], [0.0, 2.0, 1.0]]


def test_a_missing_number_is_nan_where_it_is_not_indicated() -> None:
    assert np.isnan(Encoder.fit(MISSING, ["dur"], []).transform(MISSING)[1, 0])


def test_an_indicator_alone_reads_its_number() -> None:
    encoder = Encoder.fit(MISSING, ["dur", "bytes"], [], indicate=True).only(["bytes", "dur=missing"])
    assert encoder.numbers == ["bytes", "dur"]
    assert encoder.transform(MISSING).tolist() == [[1.0, 0.0], [2.0, 1.0]]


def test_what_is_not_finite_is_no_missing_number() -> None:
    encoder = Encoder.fit(MISSING, ["dur"], [], indicate=True)
    assert np.isnan(encoder.transform(pl.DataFrame({"dur": [float("nan"), float("inf")]}))[:, 0]).all()
